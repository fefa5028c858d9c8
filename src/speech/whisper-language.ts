/** Javanese in ISO 639-1. */
const javanese = 'jv';

/** What Whisper models call it: a code that ISO withdrew in 2001 (`g_lang` in whisper.cpp). */
const whisperJavanese = 'jw';

/** A language as engines take it; all but Javanese go by their ISO 639-1 codes. */
export function toWhisperLanguage(code: string): string {
  return code === javanese ? whisperJavanese : code;
}

/** A language that an engine named, as everybody else does. */
export function fromWhisperLanguage(code: string): string {
  return code === whisperJavanese ? javanese : code;
}
