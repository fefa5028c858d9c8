/**
 * ISO 639-1 codes with their ISO 639-2/T codes (Library of Congress tables): the languages that
 * Whisper models know, as MP4 files name languages by three letters.
 */
const codes = `
af afr am amh ar ara as asm az aze ba bak be bel bg bul bn ben bo bod br bre bs bos ca cat cs ces
cy cym da dan de deu el ell en eng es spa et est eu eus fa fas fi fin fo fao fr fra gl glg gu guj
ha hau he heb hi hin hr hrv ht hat hu hun hy hye id ind is isl it ita ja jpn jv jav jw jav ka kat
kk kaz km khm kn kan ko kor la lat lb ltz ln lin lo lao lt lit lv lav mg mlg mi mri mk mkd ml mal
mn mon mr mar ms msa mt mlt my mya ne nep nl nld nn nno no nor oc oci pa pan pl pol ps pus pt por
ro ron ru rus sa san sd snd si sin sk slk sl slv sn sna so som sq sqi sr srp su sun sv swe sw swa
ta tam te tel tg tgk th tha tk tuk tl tgl tr tur tt tat uk ukr ur urd uz uzb vi vie yi yid yo yor
zh zho`;

/** ISO 639-1 → ISO 639-2/T. */
const threeLetters: ReadonlyMap<string, string> = new Map(
  Array.from(codes.matchAll(/(\w{2,3})\s+(\w{3})/g), ([, two = '', three = '']) => [two, three]),
);

/** Languages of Whisper models without an ISO 639-1 code: Hawaiian and Cantonese. */
const longCodes: ReadonlySet<string> = new Set(['haw', 'yue']);

/** Whether Whisper models know a language by this code: ISO 639-1, or `haw` or `yue`. */
export function isKnownLanguage(code: string): boolean {
  return threeLetters.has(code) || longCodes.has(code);
}

/** A language code as MP4 wants it: three letters; undefined when the language is not known. */
export function toThreeLetters(code: string): string | undefined {
  return /^[a-z]{3}$/.test(code) ? code : threeLetters.get(code);
}
