/** What `merge` has to know of a captions file. */
export interface CaptionsFacts {
  /** Whether there is anything to show. */
  readonly hasCues: boolean;
  /** The language that its header names (`Language: en`), as written there. */
  readonly language?: string;
}

/** Reads the facts of a WebVTT file; its header ends at the first empty line (W3C WebVTT, 4.1). */
export function captionsFacts(text: string): CaptionsFacts {
  const header = text.split(/\r?\n\r?\n/, 1)[0] ?? '';
  const language = /^Language:[ \t]*([A-Za-z]{2,3})\b/m.exec(header)?.[1]?.toLowerCase();
  return { hasCues: text.includes('-->'), ...(language === undefined ? {} : { language }) };
}
