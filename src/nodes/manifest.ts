import type { Json, JsonObject } from '../base/json.ts';
import type { MediaProbe } from '../graph/media-probe.ts';
import type { MediaFacts } from './media-facts.ts';
import type { InputArtifact } from './node-kind.ts';

/** Grows by one when a reader of manifests has to change. */
const manifestVersion = 1;

/** A product and what is known of it. */
export interface DescribedProduct {
  readonly artifact: InputArtifact;
  readonly facts: MediaFacts;
}

/**
 * The list of what was published. It holds nothing that the client called its file, and no times or
 * paths: the same job gives the same manifest again.
 */
export function describeProducts(
  jobId: string,
  media: MediaProbe | undefined,
  products: readonly DescribedProduct[],
): JsonObject {
  return {
    version: manifestVersion,
    createdBy: 'reelgraph',
    jobId,
    ...(media === undefined ? {} : { source: describeSource(media) }),
    products: products.map(describeProduct),
  };
}

function describeProduct({ artifact, facts }: DescribedProduct): Json {
  const { name, role, mediaType, bytes, sha256 } = artifact;
  const { durationSec } = facts;
  const known: JsonObject =
    durationSec === undefined || durationSec <= 0
      ? {}
      : {
          durationSec: roundTo(durationSec, 3),
          bitrateBps: Math.round((8 * bytes) / durationSec),
        };
  return { name, role, mediaType, bytes, sha256, ...sizeOf(facts), ...known };
}

function sizeOf({ width, height }: MediaFacts): JsonObject {
  return width === undefined || height === undefined ? {} : { width, height };
}

/** The source in the terms of a viewer. */
function describeSource({ durationSec, bytes, video, audio }: MediaProbe): JsonObject {
  return {
    durationSec: roundTo(durationSec, 3),
    bytes,
    ...(video === undefined
      ? {}
      : {
          video: {
            codec: video.codec,
            width: video.displayWidth,
            height: video.displayHeight,
            framesPerSecond: roundTo(video.framesPerSecond, 3),
          },
        }),
    ...(audio === undefined
      ? {}
      : {
          audio: {
            codec: audio.codec,
            channels: audio.channels,
            sampleRateHz: audio.sampleRateHz,
            ...(audio.language === undefined ? {} : { language: audio.language }),
          },
        }),
  };
}

function roundTo(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
