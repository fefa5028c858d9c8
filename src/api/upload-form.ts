import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { failure, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import { kibibyte, mebibyte } from '../base/units.ts';
import type { Upload } from '../store/store.ts';
import { quote, type JobOptionsReader } from './job-options.ts';

/** What a form may bring besides the bytes of its file: fields, part headers, boundaries. */
export const formOverheadBytesMax = mebibyte;

/** How a form is read. */
export interface UploadFormOptions {
  readonly options: JobOptionsReader;
  /** Aborted when the upload must end. */
  readonly signal: AbortSignal;
  /** Stores the file part; aborted by its signal when anything else in the form is wrong. */
  readonly receive: (
    file: Readable,
    name: string,
    signal: AbortSignal,
  ) => Promise<Result<Upload, Failure>>;
}

/**
 * Reads a multipart form while it comes in: fields go to `options`, before and after the file; the one
 * part called `file` goes to `receive`. It settles when nothing more of the form is worked on. After
 * a failure an upload that `receive` had completed is left to the caller to discard.
 *
 * Failures: `invalid_request` (naming the part), and those of `options` and `receive`.
 */
export async function readUploadForm(
  request: IncomingMessage,
  { options, signal, receive }: UploadFormOptions,
): Promise<Result<Upload, Failure>> {
  const form = openForm(request);
  if (!form.ok) return form;
  const reading = new FormReading(form.value, options, receive);
  return reading.run(request, signal);
}

/** Bounds of a form; the file's size is bounded where it is stored. */
const formLimits: busboy.Limits = {
  files: 1,
  fields: 20,
  // One more than the parts allowed: the parser reports the limit when it is reached, not passed.
  parts: 22,
  // One byte more than allowed: the parser cuts a value that reaches the limit.
  fieldSize: 8 * kibibyte + 1,
};

function openForm(request: IncomingMessage): Result<busboy.Busboy, Failure> {
  try {
    return ok(
      busboy({
        headers: request.headers,
        limits: formLimits,
        defParamCharset: 'utf8',
        // Names are cleaned in one place, for every way in.
        preservePath: true,
      }),
    );
  } catch {
    return err(invalid('The form has no usable boundary in its Content-Type header.'));
  }
}

/** One pass over a form. The first failure wins and ends it. */
class FormReading {
  readonly #form: busboy.Busboy;
  readonly #options: JobOptionsReader;
  readonly #receive: UploadFormOptions['receive'];
  readonly #stop = new AbortController();
  #receiving: Promise<Result<Upload, Failure>> | undefined;
  #failure: Failure | undefined;

  constructor(
    form: busboy.Busboy,
    options: JobOptionsReader,
    receive: UploadFormOptions['receive'],
  ) {
    this.#form = form;
    this.#options = options;
    this.#receive = receive;
  }

  async run(request: IncomingMessage, signal: AbortSignal): Promise<Result<Upload, Failure>> {
    const onAbort = (): void => this.#fail(failure('cancelled', 'The upload was stopped.'));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    await this.#parse(request);
    request.unpipe(this.#form);
    signal.removeEventListener('abort', onAbort);
    const received = await this.#receiving;
    if (this.#failure !== undefined) return err(this.#failure);
    return received ?? err(noFile());
  }

  /** Resolves once the parser closed, whatever the reason. */
  async #parse(request: IncomingMessage): Promise<void> {
    const form = this.#form;
    const { promise, resolve } = Promise.withResolvers<void>();
    form.on('field', (name, text, info) => this.#onField(name, text, info));
    form.on('file', (name, file, info) => this.#onFile(name, file, info));
    form.on('filesLimit', () => this.#fail(invalid('The form has more than one file; send one.')));
    form.on('fieldsLimit', () =>
      this.#fail(invalid(`The form has more than ${formLimits.fields} fields.`)),
    );
    form.on('partsLimit', () =>
      this.#fail(invalid(`The form has ${formLimits.parts} parts or more.`)),
    );
    form.on('error', () => this.#fail(invalid('The form is malformed or ends too early.')));
    form.on('close', resolve);
    if (this.#failure === undefined) request.pipe(form);
    await promise;
  }

  #onField(name: string | undefined, text: string, info: busboy.FieldInfo): void {
    if (this.#failure !== undefined) return;
    if (name === undefined) this.#fail(invalid('A field of the form has no name.'));
    else if (name === 'file') this.#fail(fileAsText());
    else if (info.valueTruncated) this.#fail(tooLong(name));
    else {
      const read = this.#options.read(name, text);
      if (!read.ok) this.#fail(read.error);
    }
  }

  #onFile(name: string | undefined, file: Readable, info: busboy.FileInfo): void {
    // After the form is given up the parser may still end the file with an error.
    file.on('error', () => {});
    if (this.#failure !== undefined) return;
    if (name !== 'file') {
      this.#fail(invalid(`The part ${quote(name ?? '')} is a file, but the film goes in "file".`));
      return;
    }
    this.#receiving = this.#store(file, info.filename ?? '');
  }

  async #store(file: Readable, name: string): Promise<Result<Upload, Failure>> {
    const received = await this.#receive(file, name, this.#stop.signal);
    if (!received.ok) this.#fail(received.error);
    return received;
  }

  #fail(cause: Failure): void {
    if (this.#failure !== undefined) return;
    this.#failure = cause;
    this.#stop.abort();
    this.#form.destroy();
  }
}

function invalid(message: string): Failure {
  return failure('invalid_request', message);
}

function noFile(): Failure {
  return invalid('The form has no part called "file". With curl: -F file=@film.mp4');
}

function fileAsText(): Failure {
  return invalid('The part "file" has to be a file with a name. With curl: -F file=@film.mp4');
}

function tooLong(name: string): Failure {
  return invalid(`The field ${quote(name)} is longer than 8 KiB.`);
}
