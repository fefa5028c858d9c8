/**
 * What an artifact is to the nodes that read it. Edges are typed by role, so a wrong edge is refused
 * before anything runs.
 *
 * - `source` the uploaded file, once validated
 * - `audio` the whole audio track, encoded once (AAC in MP4)
 * - `speech` 16 kHz mono 16-bit PCM for a recognizer
 * - `video` an encoded video track without sound
 * - `rendition` a playable file: video with audio and captions
 * - `image` a still picture · `transcript` recognized speech as JSON · `captions` timed text
 * - `manifest` the list of what was published
 */
export type MediaRole =
  | 'source'
  | 'audio'
  | 'speech'
  | 'video'
  | 'rendition'
  | 'image'
  | 'transcript'
  | 'captions'
  | 'manifest';
