import { createLogger } from '../base/logger.ts';
import type { Settings } from '../config/settings.ts';
import { toolchainWarnings } from '../ffmpeg/toolchain-warnings.ts';
import { reportFailure, type CliContext, type RunningApp } from './context.ts';
import { exitCodeOf, exitCodes, type ExitCode } from './exit-code.ts';
import { listenForStop, untilAborted } from './interrupt.ts';
import { renderLines, span } from './text.ts';
import { coresText } from './tree.ts';

/** Serves until a signal ends it, then finishes in good order. */
export async function serve(context: CliContext, settings: Settings): Promise<ExitCode> {
  using stop = listenForStop(context.signals);
  const app = await context.startApp(settings, createLogger(settings.logLevel));
  if (!app.ok) {
    reportFailure(context, app.error);
    // A directory that is in use is like a port that is: the same call may succeed later.
    return app.error.code === 'conflict' ? exitCodes.failed : exitCodeOf(app.error.code);
  }
  try {
    const listening = await app.value.listen();
    if (!listening.ok) {
      reportFailure(context, listening.error);
      return exitCodes.failed;
    }
    const facts = [`version ${context.version}`, ...describeHost(app.value)];
    const line = [span('reelgraph listens on '), span(listening.value.url, 'strong')];
    const about = span(` (${facts.join(', ')})`, 'dim');
    context.out.write(renderLines([[...line, about]], context.out.style));
    await untilAborted(stop.signal);
    context.out.write('Stopping; what ends soon may end. Press Ctrl-C again to stop now.\n');
    await app.value.drain(stop.hurry);
  } finally {
    await app.value.close();
  }
  return exitCodes.ok;
}

/** What the start line says of the machine and its tools. */
function describeHost({ capacity, toolchain }: RunningApp): readonly string[] {
  const cores = coresText(capacity.cores);
  const { ffmpeg } = toolchain;
  const from = ffmpeg.origin === 'bundled' ? ', bundled' : '';
  const warnings = toolchainWarnings(toolchain).length;
  const hint = warnings === 0 ? [] : ['"reelgraph doctor" has advice'];
  return [`ffmpeg ${ffmpeg.version.text}${from}`, cores, ...hint];
}
