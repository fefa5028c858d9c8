import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { resolve } from 'node:path';
import { unreachable } from '../base/assert.ts';
import { systemClock } from '../base/clock.ts';
import { formatBytes, gibibyte } from '../base/units.ts';
import type { Settings } from '../config/settings.ts';
import { findToolchain, type Tool, type Toolchain } from '../ffmpeg/toolchain.ts';
import { toolchainWarnings } from '../ffmpeg/toolchain-warnings.ts';
import { formatProblem } from '../pipeline/problem.ts';
import { createStarter, describeMethod, describeSandbox } from '../processes/create-starter.ts';
import type { ProcessStarter, SandboxMethod } from '../processes/process-starter.ts';
import { readHostCapacity, type CapacityReason } from '../resources/host-capacity.ts';
import { isWorking, renderChecks, type Check } from './checks.ts';
import type { CliContext } from './context.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';
import { nearestDirectory } from './nearest-directory.ts';
import { checkSpeech } from './speech-checks.ts';
import { renderLines } from './text.ts';

/** Looks at everything the service needs; the exit code says whether it can work. */
export async function doctor(context: CliContext, settings: Settings): Promise<ExitCode> {
  const { sandbox } = settings;
  await using starter = await createStarter({ clock: systemClock, sandbox });
  const checks = [
    checkNode(context.version),
    ...(await checkCapacity(settings)),
    ...checkStarts(settings, starter),
    ...(await checkToolchain(settings, starter)),
    ...(await checkSpeech(settings)),
    ...(await checkPipelines(context, settings)),
    await checkDataDirectory(settings.dataDir),
  ];
  // A finding may be longer than the terminal is wide: it is wrapped there, not cut.
  context.out.write(renderLines(renderChecks(checks, context.out.style), context.out.style));
  return isWorking(checks) ? exitCodes.ok : exitCodes.failed;
}

function checkNode(version: string): Check {
  const finding = `reelgraph ${version} on Node ${process.versions.node}, ${process.platform} ${process.arch}`;
  return { title: 'Program', verdict: 'fine', finding };
}

async function checkCapacity(settings: Settings): Promise<readonly Check[]> {
  const { cores, memoryBytes } = settings;
  const { reasons, warnings } = await readHostCapacity({ cores, memoryBytes });
  return [
    ...reasons.map((reason): Check => ({
      title: titleOf(reason.resource),
      verdict: 'fine',
      finding: `${valueOf(reason)}. ${reason.reason}`,
    })),
    ...warnings.map((finding): Check => ({ title: 'Capacity', verdict: 'note', finding })),
  ];
}

function titleOf(resource: CapacityReason['resource']): string {
  switch (resource) {
    case 'cores':
      return 'Cores';
    case 'memoryBytes':
      return 'Memory';
    case 'ioSlots':
      return 'Copies at once';
    default:
      return unreachable(resource);
  }
}

function valueOf({ resource, value }: CapacityReason): string {
  return resource === 'memoryBytes' ? formatBytes(value) : String(value);
}

function checkStarts({ sandbox }: Settings, starter: ProcessStarter): readonly Check[] {
  const verdict = starter.method === 'launcher' ? 'fine' : 'note';
  return [
    { title: 'Child processes', verdict, ...describeMethod(starter.method) },
    sandboxCheck(sandbox, starter.sandbox),
  ];
}

function sandboxCheck(setting: Settings['sandbox'], method: SandboxMethod): Check {
  const title = 'Sandbox';
  const { finding, remedy } = describeSandbox(method);
  if (method !== 'none') return { title, verdict: 'fine', finding };
  if (setting === 'off') {
    const choice = 'The setting REELGRAPH_SANDBOX (--sandbox) is off: auto uses it where it works.';
    return { title, verdict: 'note', finding, remedy: choice };
  }
  const verdict = setting === 'required' ? 'broken' : 'note';
  return { title, verdict, finding, ...(remedy !== undefined && { remedy }) };
}

/** Confined as the service will confine them: one that can't run so is none for it. */
async function checkToolchain(
  settings: Settings,
  starter: ProcessStarter,
): Promise<readonly Check[]> {
  const { ffmpegPath, ffprobePath } = settings;
  const found = await findToolchain({ ffmpegPath, ffprobePath, starter });
  if (!found.ok) {
    const { message, operatorDetail } = found.error;
    const finding = operatorDetail === undefined ? message : `${message} ${operatorDetail}`;
    return [{ title: 'ffmpeg', verdict: 'broken', finding }];
  }
  return [
    toolCheck('ffmpeg', found.value.ffmpeg),
    toolCheck('ffprobe', found.value.ffprobe),
    ...warningChecks(found.value),
  ];
}

function toolCheck(title: string, { path, origin, version }: Tool): Check {
  return { title, verdict: 'fine', finding: `${version.text}, ${originText(origin)} (${path})` };
}

function warningChecks(toolchain: Toolchain): readonly Check[] {
  return toolchainWarnings(toolchain).map((finding) => ({
    title: 'ffmpeg',
    verdict: 'note',
    finding,
  }));
}

function originText(origin: Tool['origin']): string {
  switch (origin) {
    case 'setting':
      return 'named by a setting';
    case 'path':
      return 'found on PATH';
    case 'bundled':
      return 'the bundled one';
    default:
      return unreachable(origin);
  }
}

async function checkPipelines(context: CliContext, settings: Settings): Promise<readonly Check[]> {
  const title = 'Pipelines';
  const library = await context.loadPipelines(settings);
  if (!library.ok) return [{ title, verdict: 'broken', finding: library.error.message }];
  const { pipelines, problems } = library.value;
  const names = [...pipelines.keys()].join(', ');
  return [
    names === ''
      ? { title, verdict: 'broken', finding: `There is none in ${settings.pipelines}.` }
      : { title, verdict: 'fine', finding: `${names} (${settings.pipelines})` },
    ...problems.map((problem): Check => ({
      title,
      verdict: 'note',
      finding: formatProblem(problem),
    })),
  ];
}

/** Below this, a single longer film may fill the disk. */
const freeBytesWanted = 10 * gibibyte;

async function checkDataDirectory(dataDir: string): Promise<Check> {
  const title = 'Data directory';
  const path = resolve(dataDir);
  try {
    const existing = await nearestDirectory(path);
    await access(existing, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(existing);
    const freeBytes = bavail * bsize;
    const made = existing === path ? '' : ', will be made';
    const finding = `${path}${made}, ${formatBytes(freeBytes)} free`;
    if (freeBytes >= freeBytesWanted) return { title, verdict: 'fine', finding };
    const remedy = 'A film needs about three times its size while it is worked on.';
    return { title, verdict: 'note', finding, remedy };
  } catch {
    const remedy = 'Choose another with --data-dir or REELGRAPH_DATA_DIR, or change its owner.';
    return { title, verdict: 'broken', finding: `${path} cannot be written to.`, remedy };
  }
}
