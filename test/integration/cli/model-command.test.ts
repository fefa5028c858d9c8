import { createHash } from 'node:crypto';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { CliContext } from '../../../src/cli/context.ts';
import { bringModels, fetchNamedModel, listModels } from '../../../src/cli/model-command.ts';
import { settingsSchema, type Settings } from '../../../src/config/settings.ts';
import { sileroModel, type PublishedModel } from '../../../src/speech/model-catalog.ts';
import { loadPipelines } from '../../../src/load-pipelines.ts';
import { answerStatus, ModelServer, serveFile, stallAfter } from '../../support/model-server.ts';
import { createTempDirectory, type TempDirectory } from '../../support/temp-directory.ts';
import { FakeScreen } from '../../unit/cli/fake-screen.ts';

let server: ModelServer;
let directory: TempDirectory;
let terminal: Terminal;

beforeEach(async () => {
  server = await ModelServer.start(answerStatus(404));
  directory = await createTempDirectory();
  terminal = new Terminal();
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

/** What a command sees of its process: two screens, and signals that the test sends. */
class Terminal {
  readonly out: FakeScreen;
  readonly error = new FakeScreen();
  readonly #listeners = new Set<() => void>();

  constructor(out = new FakeScreen()) {
    this.out = out;
  }

  interrupt(): void {
    for (const listener of this.#listeners) listener();
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  get context(): CliContext {
    return {
      env: {},
      out: this.out,
      error: this.error,
      clock: systemClock,
      signals: {
        on: (names, callback) => {
          const listener = (): void => {
            if (names.includes('SIGINT')) callback('SIGINT');
          };
          this.#listeners.add(listener);
          return () => void this.#listeners.delete(listener);
        },
        kill: () => {},
      },
      version: '1.2.3',
      startApp: () => Promise.reject(new Error('a model needs no service')),
      loadPipelines,
    };
  }
}

function settings(given: Partial<Settings> = {}): Settings {
  return settingsSchema.parse({ dataDir: directory.path, modelsUrl: server.url, ...given });
}

function pathOf(name: string): string {
  return join(directory.path, 'models', name);
}

const voiceContent = Buffer.from('finds where somebody speaks');
const speechContent = Buffer.alloc(200_000, 'knows what was said');

const voice = publish('voice', voiceContent);
const speech = publish('speech', speechContent);

function publish(name: string, content: Buffer): PublishedModel {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const fileName = `ggml-${name}.bin`;
  return { name, fileName, bytes: content.length, sha256, path: `models/${fileName}` };
}

describe('fetching a model', () => {
  test('brings it and its companion, and says so in plain lines', async () => {
    server.queue(serveFile(speechContent), serveFile(voiceContent));
    const wanted = { model: speech, companion: voice };
    const exitCode = await bringModels(terminal.context, settings(), wanted);
    expect([exitCode, terminal.error.text]).toEqual([0, '']);
    expect(await readFile(pathOf(speech.fileName))).toEqual(speechContent);
    expect(await readFile(pathOf(voice.fileName))).toEqual(voiceContent);
    const lines = terminal.out.text.trimEnd().split('\n');
    expect(lines[0]).toBe('speech   0 %  0 B of 195.3 KiB');
    const path = pathOf(speech.fileName);
    expect(lines).toContain(`speech is there now, size and SHA-256 are right: ${path}`);
    expect(lines.at(-1)).toBe(
      'The configured model is base. To use this one, set REELGRAPH_WHISPER_MODEL=speech or --whisper-model speech.',
    );
    expect(terminal.listenerCount).toBe(0);
  });

  test('says nothing of settings when it is the configured one, nor downloads it twice', async () => {
    server.queue(serveFile(speechContent));
    const configured = settings({ whisperModel: 'speech' });
    await bringModels(terminal.context, configured, { model: speech });
    terminal.out.take();
    expect(await bringModels(terminal.context, configured, { model: speech })).toBe(0);
    expect(terminal.out.text).toBe(
      `speech is there already, size and SHA-256 are right: ${pathOf(speech.fileName)}\n`,
    );
    expect(server.requests).toHaveLength(1);
  });

  test('shows a bar on a terminal', async () => {
    terminal = new Terminal(new FakeScreen({ columns: 120, rows: 24 }));
    server.queue(serveFile(speechContent));
    await bringModels(terminal.context, settings(), { model: speech });
    expect(terminal.out.text).toContain(`${'█'.repeat(24)} 100 %  195.3 KiB of 195.3 KiB`);
  });

  test('succeeds without the companion, with a warning', async () => {
    server.queue(serveFile(speechContent));
    const wanted = { model: speech, companion: voice };
    expect(await bringModels(terminal.context, settings(), wanted)).toBe(0);
    expect(terminal.error.text).toMatch(
      /^Warning: voice is missing: The server does not have this model\..*WebRTC/,
    );
  });

  test('ends on Ctrl-C, keeps what is there and goes on later', async () => {
    server.queue(stallAfter(speechContent, 60_000));
    const running = bringModels(terminal.context, settings(), { model: speech });
    await terminal.out.shows(/30 %/);
    terminal.interrupt();
    expect(await running).toBe(130);
    expect(terminal.error.text).toMatch(/^Error: The fetch was interrupted/);
    server.queue(serveFile(speechContent));
    expect(await bringModels(terminal.context, settings(), { model: speech })).toBe(0);
    expect(server.requests[1]?.range).toMatch(/^bytes=\d+-$/);
    expect(await readFile(pathOf(speech.fileName))).toEqual(speechContent);
  });

  test('refuses a file that has the size of the published one but not its digest', async () => {
    server.queue(serveFile(Buffer.alloc(sileroModel.bytes)));
    expect(await fetchNamedModel(terminal.context, settings(), 'silero')).toBe(1);
    expect(server.requests[0]?.path).toBe(
      '/ggml-org/whisper-vad/resolve/main/ggml-silero-v6.2.0.bin',
    );
    expect(terminal.error.text).toMatch(/^Error: What was downloaded is not the published model/);
    expect(terminal.error.text).toContain(sileroModel.sha256);
  });

  test('asks for a published model where Hugging Face has it', async () => {
    expect(await fetchNamedModel(terminal.context, settings(), 'base.en')).toBe(2);
    expect(server.requests).toEqual([
      { path: '/ggerganov/whisper.cpp/resolve/main/ggml-base.en.bin' },
    ]);
  });

  test('refuses a name that nobody published, with the one that was meant', async () => {
    expect(await fetchNamedModel(terminal.context, settings(), 'bas.en')).toBe(2);
    expect(terminal.error.text).toContain('Did you mean `base.en`?');
    expect(server.requests).toEqual([]);
  });
});

describe('the list of models', () => {
  async function list(given: Partial<Settings> = {}): Promise<string> {
    expect(await listModels(terminal.context, settings(given))).toBe(0);
    return terminal.out.take();
  }

  /** A file of that size that takes no room. */
  async function putSparse(name: string, bytes: number): Promise<void> {
    await mkdir(pathOf('.'), { recursive: true });
    await writeFile(pathOf(name), '');
    await truncate(pathOf(name), bytes);
  }

  test('says what is there, what is not, and which one is configured', async () => {
    await putSparse('ggml-tiny.bin', 77_691_713);
    await putSparse('ggml-base.bin.part', 14_795_147);
    await putSparse('ggml-base.en.bin.part', 0);
    await putSparse('ggml-small.bin', 1024);
    const text = await list();
    expect(text).toMatch(/^ {2}tiny +74\.1 MiB {2}here$/m);
    expect(text).toMatch(/^ {2}tiny\.en +74\.1 MiB {2}not here$/m);
    expect(text).toMatch(/^● base +141\.1 MiB {2}10 % fetched$/m);
    expect(text).toMatch(/^ {2}base\.en +141\.1 MiB {2}not here$/m);
    expect(text).toMatch(/^ {2}small +465\.0 MiB {2}another file of 1\.0 KiB; fetch replaces it$/m);
    expect(text).toMatch(/^ {2}silero +864\.4 KiB {2}not here {2}finds where somebody speaks$/m);
    expect(text).toContain('The configured model is base. The speech model `ggml-base.bin` is not');
    expect(text).toContain(`In ${pathOf('.').replace(/\/\.?$/, '')}. "reelgraph model fetch`);
  });

  test('says what a configured file is', async () => {
    const whisperModel = 'fixtures/speech-model/ggml-digits.bin';
    const text = await list({ whisperModel });
    expect(text).toContain(`● The configured file is ${whisperModel}. It knows English only.`);
    expect(text).not.toMatch(/^● (?!The)/m);
  });

  test('says what is wrong with the configured name', async () => {
    expect(await list({ whisperModel: 'bsae' })).toContain('Did you mean `base`?');
  });
});
