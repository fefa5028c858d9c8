import { expect, test } from 'vitest';
import { describeSettings } from '../../../src/config/setting-specs.ts';
import { toSettingNames } from '../../../src/config/setting-names.ts';

test('every setting has one name for the flag and one for the environment', () => {
  const names = describeSettings().map(({ name, flag, variable }) => `${name} ${flag} ${variable}`);
  expect(names).toEqual([
    'host host REELGRAPH_HOST',
    'port port REELGRAPH_PORT',
    'dataDir data-dir REELGRAPH_DATA_DIR',
    'pipelines pipelines REELGRAPH_PIPELINES',
    'modelsDir models-dir REELGRAPH_MODELS_DIR',
    'modelsUrl models-url HF_ENDPOINT',
    'whisperModel whisper-model REELGRAPH_WHISPER_MODEL',
    'recognizer recognizer REELGRAPH_RECOGNIZER',
    'whisperCli whisper-cli REELGRAPH_WHISPER_CLI',
    'cores cores REELGRAPH_CORES',
    'memoryBytes memory-bytes REELGRAPH_MEMORY_BYTES',
    'tenantWeights tenant-weights REELGRAPH_TENANT_WEIGHTS',
    'ffmpegPath ffmpeg-path FFMPEG_PATH',
    'ffprobePath ffprobe-path FFPROBE_PATH',
    'sandbox sandbox REELGRAPH_SANDBOX',
    'uploadBytesMax upload-bytes-max REELGRAPH_UPLOAD_BYTES_MAX',
    'cacheBytesMax cache-bytes-max REELGRAPH_CACHE_BYTES_MAX',
    'scratchBytesMax scratch-bytes-max REELGRAPH_SCRATCH_BYTES_MAX',
    'sourceRetentionSec source-retention-sec REELGRAPH_SOURCE_RETENTION_SEC',
    'productRetentionSec product-retention-sec REELGRAPH_PRODUCT_RETENTION_SEC',
    'pixelsMax pixels-max REELGRAPH_PIXELS_MAX',
    'durationSecMax duration-sec-max REELGRAPH_DURATION_SEC_MAX',
    'streamsMax streams-max REELGRAPH_STREAMS_MAX',
    'stopGraceSec stop-grace-sec REELGRAPH_STOP_GRACE_SEC',
    'logLevel log-level REELGRAPH_LOG_LEVEL',
  ]);
});

test('a name that is a flag already stays as it is', () => {
  expect(toSettingNames('data-dir').flag).toBe('data-dir');
});
