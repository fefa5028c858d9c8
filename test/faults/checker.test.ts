import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTempDirectory } from '../support/temp-directory.ts';
import {
  DoctoredDirectory,
  cancelledId,
  failedId,
  idOf,
  keptKey,
  succeededId,
} from './doctored-directory.ts';

/** What the checker says of a directory that was sound before it was doctored. */
async function violationsAfter(
  doctor: (directory: DoctoredDirectory) => Promise<void> | void,
): Promise<readonly string[]> {
  await using temporary = await createTempDirectory();
  const directory = await DoctoredDirectory.create(temporary.path);
  await doctor(directory);
  return (await directory.check()).violations;
}

const running = { type: 'node', nodeId: 'publish', phase: 'running' };
const done = { type: 'node', nodeId: 'publish', phase: 'succeeded' };

test('a sound directory has no violation, and its work is counted', async () => {
  await using temporary = await createTempDirectory();
  const directory = await DoctoredDirectory.create(temporary.path);
  directory.noticeBeforeEnd(succeededId, [running, running, done]);
  expect(await directory.check()).toEqual({
    violations: [],
    jobs: 3,
    nodeRuns: 2,
    rerunNodes: 1,
    doneTwice: 0,
  });
});

test('an accepted upload that is not there is found', async () => {
  expect(await violationsAfter((doctored) => doctored.accept('d', idOf(4)))).toEqual([
    'I1 "d" was accepted and is not there',
  ]);
});

test('a job that was told to its client by another id is found', async () => {
  const found = await violationsAfter((doctored) => {
    doctored.insertJob({ id: idOf(4), name: 'd', phase: 'cancelled' });
    doctored.accept('d', idOf(5));
  });
  expect(found).toEqual([`I1 "d" was answered with ${idOf(5)} and is job ${idOf(4)}`]);
});

test('a job that has not ended is found', async () => {
  const found = await violationsAfter((doctored) =>
    doctored.sql(`update jobs set phase = 'running' where id = '${cancelledId}'`),
  );
  expect(found).toContain(`I1 job ${cancelledId} has not ended: it is running`);
});

test('a job that ended twice, or went on behind its end, is found', async () => {
  const twice = await violationsAfter((doctored) =>
    doctored.notice(cancelledId, { type: 'job', phase: 'failed' }),
  );
  expect(twice).toEqual([`I1 job ${cancelledId} ended 2 times`]);
  const behind = await violationsAfter((doctored) => doctored.notice(cancelledId, running));
  expect(behind).toEqual([`I1 job ${cancelledId} went on behind its end`]);
});

test('a node that still runs in a job that has ended is found', async () => {
  const found = await violationsAfter((doctored) =>
    doctored.sql(`insert into nodes values ('${cancelledId}', 0, 'merge', 'running', 1, '[]')`),
  );
  expect(found).toEqual([`I1 job ${cancelledId} has ended, but merge is running`]);
});

test('a state that a client was told and that did not last is found', async () => {
  const found = await violationsAfter((doctored) => {
    doctored.reads.push({ jobId: failedId, state: 'succeeded', retriesBefore: 0 });
    doctored.cancels.push({ jobId: succeededId, status: 200 });
  });
  expect(found).toEqual([
    `I1 job ${failedId} was told to be succeeded and no longer is`,
    `I1 job ${succeededId} was cancelled and is succeeded`,
  ]);
});

test('a product that is absent, cut, changed or undecodable is found', async () => {
  const product = `storage/${succeededId}/captions.vtt`;
  const found = [
    await violationsAfter((doctored) => doctored.remove(product)),
    await violationsAfter((doctored) => doctored.write(product, 'WEB')),
    await violationsAfter((doctored) => doctored.write(product, 'WEBVTU\n')),
    await violationsAfter((doctored) =>
      doctored.addProduct('film.mp4', 'video/mp4', Buffer.from('no film')),
    ),
  ].flat();
  const subject = `I2 job ${succeededId}:`;
  expect(found).toEqual([
    `${subject} captions.vtt is not there`,
    `${subject} captions.vtt has 3 bytes in place of 7`,
    `${subject} captions.vtt has another SHA-256 than recorded`,
    expect.stringContaining(`${subject} film.mp4 does not decode`),
  ]);
});

test('a job that succeeded without a manifest is found', async () => {
  const found = await violationsAfter((doctored) => {
    doctored.insertJob({ id: idOf(4), name: 'd', phase: 'succeeded' });
    doctored.accept('d', idOf(4));
  });
  expect(found).toEqual([`I2 job ${idOf(4)} has no manifest`]);
});

test('a failed job without a stable code, or with files in the storage, is found', async () => {
  const found = await violationsAfter(async (doctored) => {
    doctored.sql(`update jobs set failure = '{"code":"oops"}' where id = '${failedId}'`);
    await doctored.write(`storage/${failedId}/film.mp4`, 'a film');
  });
  expect(found).toEqual([
    `I3 job ${failedId} failed with "oops"`,
    `I3 storage/${failedId}/film.mp4 is left behind`,
  ]);
});

test('a file that is counted for two nodes, or for an attempt that did not make it, is found', async () => {
  const path = `jobs/${succeededId}/publish/1/captions.vtt`;
  const found = await violationsAfter((doctored) =>
    doctored.sql(
      `insert into nodes select job_id, 1, 'merge', 'succeeded', 1, artifacts from nodes where job_id = '${succeededId}'`,
    ),
  );
  const owner = `${succeededId}/publish/1`;
  expect(found).toContain(`I4 ${path} is counted for ${owner} and for ${succeededId}/merge/1`);
  const late = await violationsAfter((doctored) => doctored.sql('update nodes set attempt = 2'));
  expect(late).toContain(`I4 ${path} is counted for ${succeededId}/publish/2`);
});

test('a finished node that ran again is found', async () => {
  await using temporary = await createTempDirectory();
  const directory = await DoctoredDirectory.create(temporary.path);
  directory.noticeBeforeEnd(succeededId, [running, done, running, done]);
  const { violations, doneTwice } = await directory.check();
  expect(violations).toEqual([
    `I4 publish of job ${succeededId} had succeeded and ran again`,
    `I4 publish of job ${succeededId} succeeded twice`,
  ]);
  expect(doneTwice).toBe(2);
});

test('an upload that became two jobs is found', async () => {
  const found = await violationsAfter((doctored) =>
    doctored.insertJob({ id: idOf(4), name: 'c', phase: 'cancelled' }),
  );
  expect(found).toEqual(['I4 "c" became 2 jobs']);
});

test.each([
  `incoming/${succeededId}/in`,
  `incoming/${failedId}/in`,
  `incoming/${failedId}/in.part`,
  `incoming/${idOf(9)}/in`,
  `scratch/${succeededId}.publish.1/manifest.json`,
  `jobs/${succeededId}/publish/2/manifest.json`,
  `jobs/${idOf(9)}/validate/1/source`,
  `storage/${succeededId}/film.mp4`,
  '.writable',
  'core.1234',
])('the leftover %s is found', async (path) => {
  expect(await violationsAfter((doctored) => doctored.write(path, 'x'))).toEqual([
    `I5 ${path} is left behind`,
  ]);
});

test.each([`scratch/${succeededId}.publish.1`, `incoming/${succeededId}`])(
  'the empty directory %s is found',
  async (path) => {
    const found = await violationsAfter(async (doctored) => {
      await doctored.write(`${path}/file`, '');
      await doctored.remove(`${path}/file`);
    });
    expect(found).toEqual([`I5 ${path}/ is left behind`]);
  },
);

test('a process that still works in the directory is found', async () => {
  await using temporary = await createTempDirectory();
  const directory = await DoctoredDirectory.create(temporary.path);
  const child = spawn('sleep', ['1000'], { cwd: temporary.path, stdio: 'ignore' });
  await once(child, 'spawn');
  try {
    const { violations } = await directory.check();
    expect(violations).toEqual([`I5 process ${child.pid} runs on: sleep 1000 `]);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

test('a launcher that waits for the orders of a dead service is found, that of a live one is not', async () => {
  await using temporary = await createTempDirectory();
  const directory = await DoctoredDirectory.create(temporary.path);
  // Like the launcher, it is called with the id of the process that forked it.
  await using elsewhere = await createTempDirectory();
  const program = join(elsewhere.path, 'launcher');
  await copyFile('/bin/sleep', program);
  await using stack = new AsyncDisposableStack();
  const deadPid = 4_194_305;
  const waits = async (owner: number): Promise<number | undefined> => {
    const launcher = spawn(program, [String(owner)], { cwd: '/', stdio: 'ignore' });
    stack.defer(async () => {
      launcher.kill('SIGKILL');
      await once(launcher, 'exit');
    });
    await once(launcher, 'spawn');
    return launcher.pid;
  };
  const orphan = await waits(deadPid);
  await waits(process.pid);
  const { violations } = await directory.check({ deadPids: [deadPid, process.pid] });
  expect(violations).toEqual([`I5 process ${orphan} runs on: ${program} ${deadPid} `]);
});

test('a kept result that is absent, changed, half there, unknown or too much is found', async () => {
  const found = await violationsAfter(async (doctored) => {
    await doctored.write(`cache/${keptKey}/captions.vtt`, 'WEBVTU\n');
    await doctored.write(`cache/${keptKey}/other.vtt`, '');
    await doctored.write('cache/.new-0123456789abcdef/captions.vtt', '');
    await doctored.write(`cache/${'c'.repeat(64)}/captions.vtt`, '');
    doctored.sql(`update results set bytes = 701 where key = '${keptKey}'`);
  });
  expect(found).toEqual([
    'I5 cache/.new-0123456789abcdef is left behind',
    `I5 cache/${'c'.repeat(64)} is left behind`,
    `I5 cache/${keptKey}/other.vtt is left behind`,
    `I2 cache/${keptKey}/captions.vtt is not what was kept`,
    'I5 the cache takes 1001 bytes of 1000',
  ]);
  const absent = await violationsAfter((doctored) =>
    doctored.remove(`cache/${keptKey}/captions.vtt`),
  );
  expect(absent).toEqual([`I2 cache/${keptKey}/captions.vtt is not there`]);
});

test('a deleted job that is still there, whole or half, is found; one that is gone is not', async () => {
  const found = await violationsAfter((doctored) => {
    doctored.accept('gone', idOf(4));
    doctored.deletes.push(
      { jobId: idOf(4), status: 204 },
      { jobId: cancelledId, status: 204 },
      { jobId: failedId },
    );
    doctored.sql(`update jobs set deleted_at_ms = 1 where id = '${failedId}'`);
  });
  expect(found).toEqual([
    `I5 job ${failedId} is marked as deleted and is still there`,
    `I1 job ${cancelledId} was told to be deleted and is there`,
  ]);
});

test('a key that was answered with two jobs is found', async () => {
  const found = await violationsAfter((doctored) => {
    for (const digit of [4, 5]) {
      doctored.insertJob({ id: idOf(digit), name: `n${digit}`, phase: 'cancelled' });
      doctored.sent(`n${digit}`, { type: 'accepted', jobId: idOf(digit) }, { key: 'k' });
    }
  });
  expect(found).toEqual(['I4 the key "k" was answered with 2 jobs']);
});

test('a retried job may end once more and differently, any other one may not', async () => {
  const endAgain = async (retries: readonly { jobId: string; status?: number }[]) =>
    violationsAfter((doctored) => {
      doctored.reads.push({ jobId: failedId, state: 'failed', retriesBefore: 0 });
      doctored.retries.push(...retries);
      doctored.notice(failedId, { type: 'job', phase: 'running' });
      doctored.notice(failedId, { type: 'job', phase: 'cancelled' });
      doctored.sql(`update jobs set phase = 'cancelled', failure = null where id = '${failedId}'`);
    });
  expect(await endAgain([{ jobId: failedId, status: 202 }])).toEqual([]);
  expect(await endAgain([{ jobId: failedId }])).toEqual([]);
  expect(await endAgain([{ jobId: failedId, status: 409 }])).toEqual([
    `I1 job ${failedId} ended 2 times`,
    `I1 job ${failedId} was told to be failed and no longer is`,
  ]);
});

test('a good film that failed, and a bad one that succeeded, are found', async () => {
  const found = await violationsAfter((doctored) => {
    const failure = { code: 'timeout' };
    doctored.insertJob({ id: idOf(4), name: 'd', phase: 'failed', failure });
    doctored.accept('d', idOf(4));
    const upload = doctored.uploads.findIndex(({ name }) => name === 'a');
    const [sent] = doctored.uploads.splice(upload, 1);
    if (sent !== undefined) doctored.uploads.push({ ...sent, failsWith: 'corrupt' });
  });
  expect(found).toEqual([
    `I1 job ${succeededId} of a film that is bad succeeded`,
    `I3 job ${idOf(4)} failed with "timeout"`,
  ]);
});

test('a damaged database is found', async () => {
  const found = await violationsAfter((doctored) =>
    doctored.sql(`insert into notices values ('nobody', 1, '{"type":"job","atMs":0}')`),
  );
  expect(found).toEqual(['I7 a row of notices has no jobs']);
});

test('an upload that nobody sent, or that is not what was sent, is found', async () => {
  const found = await violationsAfter((doctored) => {
    doctored.insertJob({ id: idOf(4), name: 'd', phase: 'cancelled' });
    doctored.sql(
      `update jobs set upload = json_set(upload, '$.sha256', '${'0'.repeat(64)}') where id = '${cancelledId}'`,
    );
  });
  expect(found).toEqual([
    `I8 job ${idOf(4)}: nobody sent "d"`,
    `I8 job ${cancelledId} is not of what was sent as "c"`,
  ]);
});

test('a refused or broken upload that became a job is found, an unanswered one is not', async () => {
  const found = await violationsAfter((doctored) => {
    for (const digit of [4, 5, 6]) {
      doctored.insertJob({ id: idOf(digit), name: `n${digit}`, phase: 'cancelled' });
    }
    doctored.sent('n4', { type: 'refused', status: 507, code: 'storage' });
    doctored.sent('n5', { type: 'aborted' });
    doctored.sent('n6', { type: 'unanswered' });
    doctored.sent('n7', { type: 'unanswered' });
  });
  expect(found).toEqual([
    `I8 "n4" was refused and became job ${idOf(4)}`,
    `I8 "n5" was aborted and became job ${idOf(5)}`,
  ]);
});
