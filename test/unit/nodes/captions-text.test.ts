import { describe, expect, it } from 'vitest';
import { captionsFacts } from '../../../src/nodes/captions-text.ts';

const cue = '00:00.000 --> 00:01.000\nhello\n';

describe('captionsFacts', () => {
  it('knows captions without a cue', () => {
    expect(captionsFacts('WEBVTT\n\n')).toEqual({ hasCues: false });
    expect(captionsFacts('WEBVTT')).toEqual({ hasCues: false });
  });

  it('knows captions with a cue', () => {
    expect(captionsFacts(`WEBVTT\n\n${cue}`)).toEqual({ hasCues: true });
  });

  it('reads the language of the header', () => {
    expect(captionsFacts(`WEBVTT\nLanguage: en\n\n${cue}`).language).toBe('en');
    expect(captionsFacts(`WEBVTT\r\nLanguage: DE\r\n\r\n${cue}`).language).toBe('de');
  });

  it('does not take spoken words for a header', () => {
    const spoken = 'WEBVTT\n\n00:00.000 --> 00:01.000\nLanguage: en\n';
    expect(captionsFacts(spoken)).toEqual({ hasCues: true });
  });
});
