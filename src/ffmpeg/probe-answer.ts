import { z } from 'zod';
import { mediaFailure } from './errors.ts';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';

/** What ffprobe is asked for, as `-show_entries` takes it: nothing that a file can blow up. */
export const probeEntries = [
  'format=duration,format_name',
  'stream=index,codec_type,codec_name,width,height,pix_fmt,sample_aspect_ratio,avg_frame_rate,r_frame_rate,field_order,color_space,color_transfer,channels,sample_rate,start_time,duration',
  'stream_tags=DURATION,language,rotate',
  'stream_disposition=attached_pic,default',
  'stream_side_data=rotation',
].join(':');

const streamSchema = z.object({
  index: z.int().min(0),
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  pix_fmt: z.string().optional(),
  sample_aspect_ratio: z.string().optional(),
  avg_frame_rate: z.string().optional(),
  r_frame_rate: z.string().optional(),
  field_order: z.string().optional(),
  color_space: z.string().optional(),
  color_transfer: z.string().optional(),
  channels: z.number().optional(),
  sample_rate: z.string().optional(),
  start_time: z.string().optional(),
  duration: z.string().optional(),
  tags: z.record(z.string(), z.string()).optional(),
  disposition: z.object({ attached_pic: z.number(), default: z.number() }).partial().optional(),
  side_data_list: z.array(z.object({ rotation: z.number().optional() })).optional(),
});

const answerSchema = z.object({
  streams: z.array(streamSchema).default([]),
  format: z.object({ format_name: z.string(), duration: z.string().optional() }),
});

/** ffprobe's answer, checked; names are ffprobe's own. */
export type ProbeAnswer = z.infer<typeof answerSchema>;

/** One stream of it. */
export type ProbeStream = z.infer<typeof streamSchema>;

/** Reads ffprobe's JSON. Failure: `corrupt` when it is none, or lacks what every media file has. */
export function parseProbeAnswer(text: string): Result<ProbeAnswer, Failure> {
  const parsed = answerSchema.safeParse(readJson(text));
  return parsed.success
    ? ok(parsed.data)
    : err(mediaFailure('corrupt', `ffprobe answered: ${z.prettifyError(parsed.error)}`));
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A stream's own duration in seconds: its field, or the tag that Matroska files have instead. */
export function declaredDurationSec(stream: ProbeStream): number | undefined {
  return positive(Number(stream.duration)) ?? parseDurationTag(stream.tags?.['DURATION']);
}

/** `01:02:03.500000000` → 3723.5. */
function parseDurationTag(tag: string | undefined): number | undefined {
  const parts = /^(\d+):(\d+):(\d+(?:\.\d+)?)/.exec(tag ?? '');
  if (parts === null) return undefined;
  return positive(Number(parts[1]) * 3600 + Number(parts[2]) * 60 + Number(parts[3]));
}

/** `30000/1001` or `16:15` as a number, when it is one above zero. */
export function parseRatio(text: string | undefined): number | undefined {
  const parts = /^(\d+)[/:](\d+)$/.exec(text ?? '');
  return parts === null ? undefined : positive(Number(parts[1]) / Number(parts[2]));
}

/** The number when it is finite and above zero. */
export function positive(value: number): number | undefined {
  return Number.isFinite(value) && value > 0 ? value : undefined;
}
