import type { MediaRole } from './media-role.ts';

/** A file that a node produced. */
export interface Artifact {
  /** File name, unique among the artifacts of a job that share `product`; never from a client. */
  readonly name: string;
  readonly role: MediaRole;
  /** IANA media type, e.g. `video/mp4`. */
  readonly mediaType: string;
  /** Size in bytes, > 0. */
  readonly bytes: number;
  /** SHA-256 of the content, lowercase hex (64 characters). */
  readonly sha256: string;
  /** Whether `publish` hands it to the uploader; false for intermediates. */
  readonly product: boolean;
  /** Where it lies, relative to the data directory, with `/` between parts. */
  readonly path: string;
}
