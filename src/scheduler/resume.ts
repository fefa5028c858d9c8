import type { Effect } from './effect.ts';
import { isTerminalJob } from './job-state.ts';
import type { JobState } from './job-state.ts';
import { offersOf } from './offer.ts';
import { wakeUpOf } from './wake-up.ts';

/**
 * What the shell has to do for a job that it loaded after a restart: wake-ups of delayed nodes, then
 * offers of ready ones. Nothing for an ended job. The nodes that were running are the shell's: their
 * workers are gone, so it sends `attempt-lost` for each.
 */
export function resume(job: JobState): readonly Effect[] {
  if (isTerminalJob(job.phase)) return [];
  const wakeUps = job.nodes.filter(({ phase }) => phase === 'delayed').map(wakeUpOf);
  const offers = offersOf(job).map((offer): Effect => ({ type: 'offer-node', offer }));
  return [...wakeUps, ...offers];
}
