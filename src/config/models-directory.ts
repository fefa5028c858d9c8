import { join, resolve } from 'node:path';
import type { Settings } from './settings.ts';

/** The directory of the speech models, absolute: the configured one, else `models/` in the data directory. */
export function modelsDirectoryOf({
  modelsDir,
  dataDir,
}: Pick<Settings, 'modelsDir' | 'dataDir'>): string {
  return resolve(modelsDir ?? join(dataDir, 'models'));
}
