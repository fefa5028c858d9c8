/** The part of the WebRTC detector's module that is used; the package has no types of its own. */
declare module '@echogarden/fvad-wasm' {
  /** A started WebAssembly instance. Addresses are byte offsets into its memory. */
  export interface FvadModule {
    readonly HEAP16: Int16Array;
    _malloc(bytes: number): number;
    _free(address: number): void;
    _fvad_new(): number;
    _fvad_free(detector: number): void;
    /** 0 (careful) to 3 (aggressive); gives −1 for others. */
    _fvad_set_mode(detector: number, mode: number): number;
    _fvad_set_sample_rate(detector: number, samplesPerSecond: number): number;
    /** Takes 10, 20 or 30 ms; gives 1 for speech, 0 for none, −1 for a wrong length. */
    _fvad_process(detector: number, address: number, samples: number): number;
  }
  /** Starts an instance of its own. */
  export default function createFvad(): Promise<FvadModule>;
}
