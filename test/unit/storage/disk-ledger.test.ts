import { describe, expect, test } from 'vitest';
import { gibibyte, mebibyte } from '../../../src/base/units.ts';
import { DiskLedger, jobBytesPerUploadByte } from '../../../src/storage/disk-ledger.ts';

/** A disk of 100 GiB, of which 1 GiB is the reserve. */
class SampleDisk {
  freeBytes: number;
  /** What kept results give back when they are asked. */
  keptBytes = 0;
  readonly asked: number[] = [];
  readonly ledger: DiskLedger;

  constructor(spareBytes: number) {
    this.freeBytes = gibibyte + spareBytes;
    this.ledger = new DiskLedger({
      directory: '/data',
      readSpace: () => {
        const { freeBytes } = this;
        return Promise.resolve({ freeBytes, totalBytes: 100 * gibibyte });
      },
      makeRoom: (bytes) => {
        this.asked.push(bytes);
        this.freeBytes += this.keptBytes;
        return Promise.resolve();
      },
    });
  }
}

const refused = { ok: false, error: { code: 'storage' } };
const fine = { ok: true };

describe('Room for uploads', () => {
  test('is given for three times the upload above the reserve, and not a byte more', async () => {
    const disk = new SampleDisk(300);
    expect(await disk.ledger.admit('a', 101)).toMatchObject(refused);
    expect(disk.ledger.outstandingBytes).toBe(0);
    expect(await disk.ledger.admit('a', 100)).toMatchObject(fine);
    expect(disk.ledger.outstandingBytes).toBe(300);
    expect(jobBytesPerUploadByte).toBe(3);
  });

  test('is promised once, also to many that ask at once', async () => {
    const disk = new SampleDisk(5 * 300);
    const names = Array.from({ length: 20 }, (_, index) => `job-${index}`);
    const answers = await Promise.all(names.map((name) => disk.ledger.admit(name, 100)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(5);
    expect(disk.ledger.outstandingBytes).toBe(5 * 300);
  });

  test('is not counted twice while the upload arrives on the disk', async () => {
    const disk = new SampleDisk(600);
    await disk.ledger.admit('a', 100);
    disk.freeBytes -= 60;
    expect(await disk.ledger.received('a', 60)).toMatchObject(fine);
    expect(disk.ledger.outstandingBytes).toBe(240);
    expect(await disk.ledger.admit('b', 100)).toMatchObject(fine);
    expect(await disk.ledger.admit('c', 1)).toMatchObject(refused);
  });

  test('stays set aside for an accepted job until its end', async () => {
    const disk = new SampleDisk(300);
    await disk.ledger.admit('a', 100);
    disk.freeBytes -= 100;
    disk.ledger.keep('a', 100);
    expect(disk.ledger.outstandingBytes).toBe(200);
    expect(await disk.ledger.admit('b', 10)).toMatchObject(refused);
    disk.ledger.release('a');
    disk.ledger.release('a');
    expect(await disk.ledger.admit('b', 10)).toMatchObject(fine);
  });

  test('is looked for as an upload grows whose size nobody announced', async () => {
    const disk = new SampleDisk(300);
    expect(await disk.ledger.admit('a', 0)).toMatchObject(fine);
    disk.freeBytes -= 50;
    expect(await disk.ledger.received('a', 50)).toMatchObject(fine);
    expect(disk.ledger.outstandingBytes).toBe(100);
    disk.freeBytes -= 60;
    expect(await disk.ledger.received('a', 110)).toMatchObject(refused);
  });

  test('ends for an admitted upload only where others fill the disk up to the reserve', async () => {
    const disk = new SampleDisk(300);
    await disk.ledger.admit('a', 100);
    disk.freeBytes = gibibyte;
    expect(await disk.ledger.received('a', 50)).toMatchObject(fine);
    disk.freeBytes = gibibyte - 1;
    expect(await disk.ledger.received('a', 60)).toMatchObject(refused);
  });

  test('comes from kept results, which are asked for what lacks', async () => {
    const disk = new SampleDisk(100);
    disk.keptBytes = 500;
    expect(await disk.ledger.admit('a', 100)).toMatchObject(fine);
    expect(await disk.ledger.admit('b', 10_000)).toMatchObject(refused);
    expect(disk.asked).toEqual([300, 30_000 + 300]);
  });

  test('that is short is told with what is needed and what is free', async () => {
    const disk = new SampleDisk(2 * mebibyte);
    const answer = await disk.ledger.admit('a', mebibyte);
    expect(answer).toMatchObject({
      error: {
        message:
          'There is not enough disk space for this upload: its job needs about 3.0 MiB; 2.0 MiB are ' +
          'free for new ones. Try again later.',
      },
    });
  });

  test('on a disk that cannot be read is refused', async () => {
    const ledger = new DiskLedger({
      directory: '/data',
      readSpace: () => Promise.reject(new Error('EIO')),
    });
    expect(await ledger.admit('a', 1)).toMatchObject(refused);
  });
});
