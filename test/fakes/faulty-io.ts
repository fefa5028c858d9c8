/**
 * A preload (`node --import test/fakes/faulty-io.ts src/main.ts serve …`) that makes the disk of the
 * program fail, or kills the program, at an operation that a `FaultPlan` names. The program itself
 * knows nothing of it.
 *
 * It stands in front of what makes bytes and names durable: the writing calls of `node:fs/promises`
 * and of its file handles, and the commits of `node:sqlite`. Each such operation has a name of what is
 * done and where, e.g. `rename incoming/<job>/in`, in which ids and numbers are left out.
 */
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import promises from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { isAbsolute, relative, sep } from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { planSignal, planTaken, planVariable } from './fault-plan.ts';
import type { FaultCode, FaultPlan, FaultPoint } from './fault-plan.ts';

const planPath = process.env[planVariable];
if (planPath === undefined) throw new Error(`${planVariable} has to name a plan.`);
// Nothing that the program starts is to be loaded with it.
delete process.env[planVariable];

let plan = readPlan(planPath);
let count = 0;
let countByName = new Map<string, number>();
/** No operation has this name. */
const everything = '*';

/** The operations that fail from now on, by their name. */
let broken: string | undefined;
let logDescriptor = openLog();

function readPlan(path: string): FaultPlan {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `writePlan` wrote it
  return JSON.parse(readFileSync(path, 'utf8')) as FaultPlan;
}

function openLog(): number | undefined {
  return plan.log === undefined ? undefined : openSync(plan.log, 'a');
}

process.on(planSignal, () => {
  if (logDescriptor !== undefined) closeSync(logDescriptor);
  plan = readPlan(planPath);
  count = 0;
  countByName = new Map();
  broken = undefined;
  logDescriptor = openLog();
  writeSync(1, `${planTaken} ${plan.serial ?? 0};\n`);
});

/** What the plan wants to happen at an operation. */
interface Fate {
  readonly dieBefore: boolean;
  readonly dieAfter: boolean;
  readonly fail?: FaultCode;
}

function fateOf(name: string): Fate {
  count += 1;
  const occurrence = (countByName.get(name) ?? 0) + 1;
  countByName.set(name, occurrence);
  const isHere = (at: FaultPoint | undefined): boolean =>
    at !== undefined &&
    ('nth' in at ? at.nth === count : at.name === name && at.occurrence === occurrence);
  const { kill, fail } = plan;
  const dies = isHere(kill?.at);
  const isFailing = broken === everything || broken === name || isHere(fail?.at);
  if (isFailing && fail?.lasting !== undefined)
    broken ??= fail.lasting === 'all' ? everything : name;
  return {
    dieBefore: dies && kill?.when === 'before',
    dieAfter: dies && kill?.when === 'after',
    ...(isFailing && fail !== undefined && { fail: fail.code }),
  };
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  // The kernel ends this thread on its way back from the call.
  throw new Error('outlived SIGKILL');
}

function begin(name: string): Fate {
  const fate = fateOf(name);
  if (fate.dieBefore) die();
  return fate;
}

function end(name: string, fate: Fate): void {
  if (logDescriptor !== undefined) writeSync(logDescriptor, `${name}\n`);
  if (fate.dieAfter) die();
}

/** errno(3) on Linux. */
const numbers: Readonly<Record<FaultCode, number>> = { ENOSPC: -28, EIO: -5 };
const texts: Readonly<Record<FaultCode, string>> = {
  ENOSPC: 'no space left on device',
  EIO: 'i/o error',
};

function systemError(code: FaultCode, name: string): Error {
  const [syscall = ''] = name.split(' ');
  const message = `${code}: ${texts[code]}, ${name}`;
  return Object.assign(new Error(message), { code, errno: numbers[code], syscall });
}

/** Primary result codes SQLITE_FULL and SQLITE_IOERR (sqlite.org/rescode.html). */
const resultCodes: Readonly<Record<FaultCode, number>> = { ENOSPC: 13, EIO: 10 };

function databaseError(code: FaultCode): Error {
  const errcode = resultCodes[code];
  const message = code === 'ENOSPC' ? 'database or disk is full' : 'disk I/O error';
  return Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode, errstr: message });
}

/** Where a path lies, without what differs from job to job; undefined outside of the data directory. */
function placeOf(path: unknown): string | undefined {
  if (typeof path !== 'string') return undefined;
  const inside = relative(plan.root, path);
  if (isAbsolute(inside) || inside.startsWith('..')) return undefined;
  return inside.split(sep).map(withoutIds).join('/') || '.';
}

function withoutIds(part: string): string {
  return part
    .replace(/^[A-Za-z0-9_-]{22}(?=$|\.)/, '<job>')
    .replace(/^[0-9a-f]{64}(?=$|\.)/, '<sha256>')
    .replace(/(?<=^(?:\.new-)?)[0-9a-f]{16}$/, '<random>')
    .replace(/^\d+$|(?<=^<job>\..+\.)\d+$/, '<n>');
}

type AnyFunction = (this: unknown, ...values: unknown[]) => unknown;

/** Puts the plan in front of an asynchronous method; `nameOf` is undefined where it does not count. */
function intercept(
  holder: object,
  method: string,
  nameOf: (self: unknown, values: readonly unknown[]) => string | undefined,
): void {
  const original: AnyFunction = Reflect.get(holder, method);
  Reflect.set(holder, method, async function intercepted(this: unknown, ...values: unknown[]) {
    const name = nameOf(this, values);
    if (name === undefined) return original.apply(this, values);
    const fate = begin(name);
    if (fate.fail !== undefined) throw systemError(fate.fail, name);
    const result = await original.apply(this, values);
    end(name, fate);
    return result;
  });
}

function named(operation: string, path: unknown): string | undefined {
  const place = placeOf(path);
  return place === undefined ? undefined : `${operation} ${place}`;
}

/** Operations that name their target first, and those that name it second. */
for (const method of ['mkdir', 'rm', 'rmdir', 'unlink', 'writeFile', 'appendFile', 'truncate']) {
  intercept(promises, method, (_self, [path]) => named(method, path));
}
for (const method of ['rename', 'link', 'copyFile', 'symlink']) {
  intercept(promises, method, (_self, [, to]) => named(method, to));
}

/** The path that each open handle of the data directory was opened with. */
const placeByHandle = new WeakMap<object, string>();

/** Whether an `open` with these flags may make a file. */
function isMaking(flags: unknown): boolean {
  if (typeof flags === 'number') return (flags & constants.O_CREAT) !== 0;
  return typeof flags === 'string' && /[wa]/.test(flags);
}

const openFile = promises.open;
promises.open = async (...values: Parameters<typeof openFile>): Promise<FileHandle> => {
  const [path, flags] = values;
  const name = isMaking(flags) ? named('open', path) : undefined;
  const fate = name === undefined ? undefined : begin(name);
  if (name !== undefined && fate?.fail !== undefined) throw systemError(fate.fail, name);
  const handle = await openFile(...values);
  const place = placeOf(path);
  if (place !== undefined) placeByHandle.set(handle, place);
  if (name !== undefined && fate !== undefined) end(name, fate);
  return handle;
};

const probe = await openFile(import.meta.filename, 'r');
const handles: object = Object.getPrototypeOf(probe);
await probe.close();
for (const method of ['write', 'writev', 'writeFile', 'appendFile', 'truncate']) {
  intercept(handles, method, (self) => nameOfHandle('write', self));
}
for (const method of ['sync', 'datasync']) {
  intercept(handles, method, (self) => nameOfHandle('sync', self));
}

function nameOfHandle(operation: string, handle: unknown): string | undefined {
  const place = handle instanceof Object ? placeByHandle.get(handle) : undefined;
  return place === undefined ? undefined : `${operation} ${place}`;
}

/** The statements that make a database durable: each commit, and what sets up the file. */
const durableStatement = /^\s*(commit|pragma (?:journal_mode|application_id) =)/i;

/** Databases that are written to; the commit of one that is only read makes nothing durable. */
const written = new WeakSet<object>();
const databaseOf = new WeakMap<StatementSync, object>();

const prepare: (...values: [string]) => StatementSync = Reflect.get(
  DatabaseSync.prototype,
  'prepare',
);
DatabaseSync.prototype.prepare = function intercepted(this: DatabaseSync, ...values: [string]) {
  const statement = Reflect.apply(prepare, this, values);
  if (/^\s*(begin immediate|pragma)/i.test(values[0])) written.add(this);
  databaseOf.set(statement, this);
  return statement;
};

function nameOfStatement(statement: StatementSync): string | undefined {
  const database = databaseOf.get(statement);
  if (database === undefined || !written.has(database)) return undefined;
  return durableStatement.exec(statement.sourceSQL)?.[1]?.toLowerCase();
}

for (const method of ['all', 'get', 'run'] as const) {
  const prototype: object = StatementSync.prototype;
  const original: AnyFunction = Reflect.get(prototype, method);
  Reflect.set(prototype, method, function intercepted(this: StatementSync, ...values: unknown[]) {
    const name = nameOfStatement(this);
    if (name === undefined) return original.apply(this, values);
    const fate = begin(name);
    if (fate.fail !== undefined) throw databaseError(fate.fail);
    const result = original.apply(this, values);
    end(name, fate);
    return result;
  });
}

const realNow = Date.now.bind(Date);
Date.now = () => realNow() + (plan.clockShiftMs ?? 0);

const { timeScale } = plan;
if (timeScale !== undefined) {
  const realMonotonic = performance.now.bind(performance);
  performance.now = () => realMonotonic() * timeScale;
  const realTimeout = globalThis.setTimeout;
  const scaled = (callback: () => void, delayMs = 0, ...rest: unknown[]): unknown =>
    Reflect.apply(realTimeout, globalThis, [callback, delayMs / timeScale, ...rest]);
  Reflect.set(globalThis, 'setTimeout', Object.assign(scaled, realTimeout));
}

syncBuiltinESMExports();
