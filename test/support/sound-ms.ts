import type { SpeechWindow } from '../../src/speech/speech-windows.ts';
import { lengthOf } from '../../src/speech/stretch.ts';

/** How much of the recording a window holds, in milliseconds. */
export function soundMs({ pieces }: SpeechWindow): number {
  return pieces.reduce((sum, piece) => sum + lengthOf(piece), 0);
}
