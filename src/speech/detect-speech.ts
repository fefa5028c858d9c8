import { loudnessFrameMs } from './speech-windows.ts';
import type { Speech } from './speech-windows.ts';
import { joinStretches, lengthOf, toStretches } from './stretch.ts';
import type { Stretch } from './stretch.ts';
import type { Recording } from './wav.ts';
import { WebrtcDetector, voiceFrameMs } from './webrtc-detector.ts';
import type { VoiceActivityContext } from './whisper-addon.ts';

/** Pauses shorter than this are part of speech: the hang-over that detectors are measured with. */
const hangOverMs = 300;

/** Shorter sounds are clicks: no word takes less than twice this time. */
const speechMsMin = 100;

/** How much is read at once, in milliseconds: 320 kB. */
const blockMs = 10_000;

/** What goes on while a recording is listened to. */
export interface Listening {
  /** Silero's network, where its model is there; else WebRTC's detector is used. */
  readonly silero?: VoiceActivityContext;
  /** 0…1, growing. */
  onProgress(fraction: number): void;
}

/**
 * Finds where somebody speaks in a recording, and how loud it is. Reads it block by block, so that an
 * hour takes no more memory than a minute.
 */
export async function detectSpeech(recording: Recording, listening: Listening): Promise<Speech> {
  const { durationMs } = recording;
  const loudness = new Float32Array(Math.ceil(durationMs / loudnessFrameMs));
  const isVoiced = new Uint8Array(Math.ceil(durationMs / voiceFrameMs));
  using detector = await WebrtcDetector.create();
  const share = listening.silero === undefined ? 1 : webrtcShare;
  for (const block of blocksOf(durationMs, blockMs)) {
    const samples = await recording.read(block);
    loudness.set(measureLoudness(samples), block.startMs / loudnessFrameMs);
    isVoiced.set(detector.judge(samples), block.startMs / voiceFrameMs);
    listening.onProgress((share * block.endMs) / durationMs);
  }
  const voiced =
    listening.silero === undefined
      ? toStretches(isVoiced, voiceFrameMs)
      : await detectWithSilero(recording, listening.silero, (fraction) =>
          listening.onProgress(share + (1 - share) * fraction),
        );
  const stretches = joinStretches(voiced, hangOverMs).filter(
    (stretch) => lengthOf(stretch) >= speechMsMin,
  );
  return { stretches, durationMs, loudness };
}

/** WebRTC's share of the time where Silero listens too: it is some 200 times as fast. */
const webrtcShare = 0.01;

/** How much Silero hears at once, in milliseconds: its copies of the sound take 29 MB. */
const sileroBlockMs = 150_000;

/** It starts deaf: what it hears first is heard at the end of the block before too, in milliseconds. */
const sileroOverlapMs = 2000;

/** Its defaults (Silero's own), but the margins around speech are added here, for all detectors alike. */
const sileroOptions = {
  threshold: 0.5,
  minSpeechDurationMs: 150,
  minSilenceDurationMs: 100,
  maxSpeechDurationS: sileroBlockMs / 1000,
  speechPadMs: 0,
};

async function detectWithSilero(
  recording: Recording,
  silero: VoiceActivityContext,
  onProgress: (fraction: number) => void,
): Promise<readonly Stretch[]> {
  const stretches: Stretch[] = [];
  for (const block of blocksOf(recording.durationMs, sileroBlockMs)) {
    const startMs = Math.max(0, block.startMs - sileroOverlapMs);
    const { buffer } = await recording.read({ startMs, endMs: block.endMs });
    // Its times are hundredths of a second.
    for (const { t0, t1 } of await silero.detectSpeechData(buffer, sileroOptions)) {
      stretches.push({
        startMs: startMs + Math.max(0, Math.round(t0 * 10)),
        endMs: Math.min(startMs + Math.round(t1 * 10), block.endMs),
      });
    }
    onProgress(block.endMs / recording.durationMs);
  }
  return stretches.filter((stretch) => lengthOf(stretch) > 0);
}

/** A recording cut into blocks of one length; the last may be shorter. */
function blocksOf(durationMs: number, lengthMs: number): readonly Stretch[] {
  return Array.from({ length: Math.ceil(durationMs / lengthMs) }, (_, index) => ({
    startMs: index * lengthMs,
    endMs: Math.min((index + 1) * lengthMs, durationMs),
  }));
}

const samplesPerFrame = loudnessFrameMs * 16;

/** Mean square of the samples of each frame. */
function measureLoudness(samples: Int16Array): Float32Array {
  const loudness = new Float32Array(Math.ceil(samples.length / samplesPerFrame));
  for (const frame of loudness.keys()) {
    let sum = 0;
    for (const sample of samples.subarray(frame * samplesPerFrame, (frame + 1) * samplesPerFrame)) {
      sum += sample * sample;
    }
    loudness[frame] = sum / samplesPerFrame;
  }
  return loudness;
}
