import { unreachable } from '../base/assert.ts';
import { kindsGiving } from './kind-params.ts';
import type { KindCatalog } from './kind-spec.ts';
import type { LinkFault } from './link.ts';
import { listNames } from './suggest.ts';

/** What is wrong between nodes; a sentence without its period. */
export function linkMessage(fault: LinkFault): string {
  switch (fault.type) {
    case 'no-provider':
      return `\`${fault.nodeId}\` reads a \`${fault.role}\`, but nothing it needs makes one`;
    case 'ambiguous':
      return `\`${fault.nodeId}\` reads one \`${fault.role}\`, but ${listNames(fault.providers)} make one equally near`;
    case 'same-product':
      return `\`${fault.nodeId}\` and \`${fault.otherId}\` both make the product \`${fault.name}\``;
    case 'second-source':
      return `\`${fault.nodeId}\` and \`${fault.otherId}\` both make the \`source\``;
    case 'early-condition':
      return `The condition of \`${fault.nodeId}\` asks about the source before anything has probed it`;
    default:
      return unreachable(fault);
  }
}

/** What to do about it. */
export function linkHint(fault: LinkFault, kinds: KindCatalog): string {
  switch (fault.type) {
    case 'no-provider':
      return fault.candidates.length > 0
        ? `Add ${listNames(fault.candidates)} to its \`needs\`.`
        : hintForRole(kindsGiving(fault.role, kinds));
    case 'ambiguous':
      return 'Need only one of them, or put the one that counts nearer.';
    case 'same-product':
      return 'Give them different parameters, or remove one.';
    case 'second-source':
      return 'Keep one of them.';
    case 'early-condition':
      return hintForRole(kindsGiving('source', kinds));
    default:
      return unreachable(fault);
  }
}

function hintForRole(kinds: readonly string[]): string {
  if (kinds.length === 0) return 'No node kind makes one.';
  return `Add a node of kind ${listNames(kinds)} to its \`needs\`.`;
}
