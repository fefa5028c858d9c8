import { silentLogger } from '../../src/base/logger.ts';
import type { MediaTools } from '../../src/ffmpeg/media-tools.ts';
import type { InputArtifact, NodeAttempt } from '../../src/nodes/node-kind.ts';

/** The id of the job that the attempts of tests belong to. */
export const jobId = 'AAAAAAAAAAAAAAAAAAAAAA';

/** An input artifact with what a test says of it. */
export function inputArtifact(
  parts: Pick<InputArtifact, 'name' | 'role'> & Partial<InputArtifact>,
): InputArtifact {
  return {
    mediaType: 'application/octet-stream',
    bytes: 1,
    sha256: '0'.repeat(64),
    product: true,
    path: `/job/${parts.name}`,
    ...parts,
  };
}

/** What an attempt of a test is about. */
export interface AttemptParts extends Partial<Omit<NodeAttempt, 'params' | 'inputs'>> {
  readonly inputs: readonly InputArtifact[];
  readonly outputDirectory: string;
}

/** An attempt on one core that nobody stops. */
export function attemptOf<Params>(params: Params, parts: AttemptParts): NodeAttempt<Params> {
  const { inputs, ...rest } = parts;
  return {
    jobId,
    nodeId: 'node',
    attempt: 1,
    params,
    inputs: {
      one: (role) => inputs.find((input) => input.role === role),
      every: (role) => inputs.filter((input) => input.role === role),
    },
    upload: { path: '/incoming/in', bytes: 1, sha256: '0'.repeat(64) },
    media: undefined,
    cores: 1,
    signal: new AbortController().signal,
    logger: silentLogger,
    onProgress: () => {},
    ...rest,
  };
}

/** Media tools for tests of what needs none. */
export const unusedTools: MediaTools = {
  probe: () => Promise.reject(new Error('nothing to probe')),
  run: () => Promise.reject(new Error('nothing to run')),
  verify: () => Promise.reject(new Error('nothing to verify')),
};
