/** What a node asks of a host. */
export interface Demand {
  /** Fewest cores (threads) it runs with; 0 for pure input/output work. A whole number. */
  readonly coresMin: number;
  /** Most cores it can use well; ≥ `coresMin`. */
  readonly coresMax: number;
  /** Peak resident memory in bytes, an estimate. */
  readonly memoryBytes: number;
  /** Slots for input/output work (copying, uploading); such nodes ask no core. */
  readonly ioSlots: number;
  /** GPUs; a whole number. */
  readonly gpus: number;
}

/** What a host has, or what is left of it. */
export interface Capacity {
  readonly cores: number;
  readonly memoryBytes: number;
  readonly ioSlots: number;
  readonly gpus: number;
}

/** What one start holds until it ends: the node's thread budget and the rest of its demand. */
export interface Reservation {
  readonly cores: number;
  readonly memoryBytes: number;
  readonly ioSlots: number;
  readonly gpus: number;
}

/** A node's demand with how much work it is. */
export interface Estimate {
  readonly demand: Demand;
  /** Work in core-seconds, > 0: what one core would need. Orders starts, never kills. */
  readonly coreSeconds: number;
}

/** Whether a node with this estimate can run on no core at all, so that there is nothing to save. */
export function canRunWithoutCores({ demand }: Estimate): boolean {
  return demand.coresMin === 0;
}
