import { pino } from 'pino';

/** Fields of one log line, e.g. `{ jobId, nodeId, attempt }`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Structured logging; `child` adds fields to every line that follows. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Logger;
}

/** Log levels from most to least talkative. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/**
 * JSON lines on standard error (standard output belongs to the command line's own results). An `error`
 * field is written with its stack and its causes.
 */
export function createLogger(level: LogLevel): Logger {
  const serializers = { error: pino.stdSerializers.errWithCause };
  const timestamp = pino.stdTimeFunctions.isoTime;
  return pino({ level, base: null, timestamp, serializers }, pino.destination(2));
}

/** A logger that drops every line. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
