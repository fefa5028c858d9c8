import { describe, expect, it } from 'vitest';
import { JobFeed } from '../../../src/jobs/feed.ts';
import type { Subscription } from '../../../src/jobs/feed.ts';

const never = new AbortController().signal;

/** A follower that knows all there is. */
function upToDate(feed: JobFeed): Subscription {
  const subscription = feed.subscribe('job');
  subscription.takeNews();
  return subscription;
}

describe('JobFeed', () => {
  it('has news for a new follower, who has read nothing yet', async () => {
    const subscription = new JobFeed().subscribe('job');
    await subscription.wait(never);
    expect(subscription.takeNews()).toBe(true);
    expect(subscription.takeNews()).toBe(false);
  });

  it('wakes a follower that waits', async () => {
    const feed = new JobFeed();
    const subscription = upToDate(feed);
    const waiting = subscription.wait(never);
    feed.wake('job');
    await waiting;
    expect(subscription.takeNews()).toBe(true);
    expect(subscription.takeProgress()).toEqual([]);
  });

  it('does not lose a wake that came before the wait', async () => {
    const feed = new JobFeed();
    const subscription = upToDate(feed);
    feed.wake('job');
    await subscription.wait(never);
    expect(subscription.takeNews()).toBe(true);
  });

  it('tells progress without news', async () => {
    const feed = new JobFeed();
    const subscription = upToDate(feed);
    const waiting = subscription.wait(never);
    feed.report('job', 'a', 0.5);
    await waiting;
    expect(subscription.takeNews()).toBe(false);
    expect(subscription.takeProgress()).toHaveLength(1);
  });

  it('keeps a follower waiting when what it was to be told is over', async () => {
    const feed = new JobFeed();
    const subscription = upToDate(feed);
    feed.report('job', 'a', 0.5);
    feed.clear('job', 'a');
    let hasReturned = false;
    const waiting = subscription.wait(never).then(() => (hasReturned = true));
    await new Promise(setImmediate);
    expect(hasReturned).toBe(false);
    feed.wake('job');
    await waiting;
    expect(subscription.takeProgress()).toEqual([]);
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
    const subscription = upToDate(new JobFeed());
    const waiting = subscription.wait(leaving.signal);
    leaving.abort();
    await waiting;
    expect(subscription.takeNews()).toBe(false);
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
