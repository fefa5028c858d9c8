import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Two programs that stand in for ffmpeg and ffprobe. */
export interface ReplayTools {
  readonly ffmpeg: string;
  readonly ffprobe: string;
}

/**
 * Writes stand-ins that run the real program the first time and give what it gave every other time, in
 * milliseconds: what it wrote and, of ffmpeg, the file it made. A call is recognized by the last part
 * of its last argument, so they serve one clip and one pipeline only, and the first job runs alone. What
 * they remember lies beside them, out of reach of the sandbox: it has to be off.
 */
export async function createReplayTools(
  directory: string,
  real: ReplayTools,
): Promise<ReplayTools> {
  const write = async (name: keyof ReplayTools): Promise<string> => {
    const path = join(directory, `replay-${name}`);
    await writeFile(path, scriptOf({ name, real: real[name], memory: join(directory, name) }));
    await chmod(path, 0o755);
    return path;
  };
  return { ffmpeg: await write('ffmpeg'), ffprobe: await write('ffprobe') };
}

function scriptOf(tool: {
  readonly name: keyof ReplayTools;
  readonly real: string;
  readonly memory: string;
}): string {
  // Only ffmpeg's last argument is something that it makes.
  const isMaker = tool.name === 'ffmpeg' ? '1' : '';
  return `#!/bin/sh
for last; do :; done
made="\${last#file:}"
entry="${tool.memory}-\${last##*/}"
if [ -f "$entry.text" ]; then
  [ -f "$entry.file" ] && cp "$entry.file" "$made"
  cat "$entry.text"
  exit 0
fi
${tool.real} "$@" > "$entry.part" || exit
cat "$entry.part"
if [ -n "${isMaker}" ] && [ -f "$made" ]; then cp "$made" "$entry.file"; fi
mv "$entry.part" "$entry.text"
`;
}
