/** What a setting is called outside of the code. */
export interface SettingNames {
  /** The command-line flag without dashes, e.g. `data-dir`. */
  readonly flag: string;
  /** The environment variable, e.g. `REELGRAPH_DATA_DIR`. */
  readonly variable: string;
}

/** What the environment variables of this program start with. */
export const variablePrefix = 'REELGRAPH_';

/** Settings whose variable already has a name that other programs know. */
const establishedVariables: Readonly<Record<string, string>> = {
  ffmpegPath: 'FFMPEG_PATH',
  ffprobePath: 'FFPROBE_PATH',
  modelsUrl: 'HF_ENDPOINT',
};

/** The names of a setting, from its name in the code: `dataDir` → `data-dir`, `REELGRAPH_DATA_DIR`. */
export function toSettingNames(setting: string): SettingNames {
  const words = setting.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
  return {
    flag: words.join('-'),
    variable: establishedVariables[setting] ?? variablePrefix + words.join('_').toUpperCase(),
  };
}
