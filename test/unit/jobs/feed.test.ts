import { describe, expect, it } from 'vitest';
import { JobFeed } from '../../../src/jobs/feed.ts';

const never = new AbortController().signal;

describe('JobFeed', () => {
  it('wakes a follower that waits', async () => {
    const feed = new JobFeed();
    const subscription = feed.subscribe('job');
    const waiting = subscription.wait(never);
    feed.wake('job');
    await waiting;
    expect(subscription.takeProgress()).toEqual([]);
  });

  it('does not lose a wake that came before the wait', async () => {
    const feed = new JobFeed();
    const subscription = feed.subscribe('job');
    feed.wake('job');
    await subscription.wait(never);
  });

  it('keeps only the latest progress of each node', () => {
    const feed = new JobFeed();
    const subscription = feed.subscribe('job');
    for (const fraction of [0.1, 0.2, 0.3]) feed.report('job', 'a', fraction);
    feed.report('job', 'b', 0.5);
    expect(subscription.takeProgress()).toEqual([
      { type: 'progress', nodeId: 'a', fraction: 0.3 },
      { type: 'progress', nodeId: 'b', fraction: 0.5 },
    ]);
    expect(subscription.takeProgress()).toEqual([]);
  });

  it('tells nothing about other jobs, nor after closing', async () => {
    const feed = new JobFeed();
    const subscription = feed.subscribe('job');
    feed.report('other', 'a', 0.5);
    subscription.close();
    feed.report('job', 'a', 0.5);
    expect(subscription.takeProgress()).toEqual([]);
  });

  it('stops waiting when the follower goes away', async () => {
    const leaving = new AbortController();
    const subscription = new JobFeed().subscribe('job');
    const waiting = subscription.wait(leaving.signal);
    leaving.abort();
    await waiting;
  });

  it('forgets the progress of a node that ended', () => {
    const feed = new JobFeed();
    feed.report('job', 'a', 0.5);
    feed.report('job', 'b', 0.6);
    feed.clear('job', 'a');
    expect([...feed.progressOf('job')]).toEqual([['b', 0.6]]);
    feed.clear('job', 'b');
    expect(feed.progressOf('job').size).toBe(0);
  });
});
