/* oxlint-disable typescript/no-unsafe-type-assertion --
 * What is read back is what a column of the same table wrote; the types of the tables say which. */
import { assert } from '../base/assert.ts';
import type { SqlRow, SqlValue } from './sql.ts';

/** How one property is kept in one column. Absent is `null` in the column. */
export interface Column<Value> {
  readonly name: string;
  toSql(value: Value): SqlValue;
  fromSql(value: SqlValue): Value;
}

/** A column for every property of a record; the compiler refuses a missing or a wrong one. */
export type Columns<Item> = {
  readonly [Key in keyof Item]-?: Column<Exclude<Item[Key], undefined>>;
};

/** Text that is well-formed by construction (ids, phases). Text of other origin goes into JSON. */
export function textColumn<Value extends string>(name: string): Column<Value> {
  return { name, toSql: (value) => value, fromSql: (value) => value as Value };
}

/** A whole number. */
export function integerColumn(name: string): Column<number> {
  return {
    name,
    toSql(value) {
      assert(Number.isSafeInteger(value), `${name} is ${value}, not a whole number`);
      return value;
    },
    fromSql: Number,
  };
}

/** A flag as 0 or 1. */
export function flagColumn(name: string): Column<boolean> {
  return { name, toSql: Number, fromSql: (value) => value === 1 };
}

/** A mark that is either set or absent. */
export function trueColumn(name: string): Column<true> {
  return { name, toSql: Number, fromSql: () => true };
}

/**
 * Any JSON value as its text. JSON escapes what a text column may not hold (NUL, lone surrogates),
 * so every string comes back as it was.
 */
export function jsonColumn<Value>(name: string): Column<Value> {
  return {
    name,
    toSql: (value) => JSON.stringify(value),
    fromSql: (value) => JSON.parse(String(value)) as Value,
  };
}

/** The names of the columns, in the order that {@link toValues} gives the values. */
export function namesOf<Item>(columns: Columns<Item>): readonly string[] {
  return keysOf(columns).map((key) => columns[key].name);
}

/** The values of all columns for a record. */
export function toValues<Item>(columns: Columns<Item>, item: Item): readonly SqlValue[] {
  return keysOf(columns).map((key) => toValue(columns, item, key));
}

/** The columns whose property is not the same in both (compared by reference). */
export function changesOf<Item>(
  columns: Columns<Item>,
  before: Item,
  after: Item,
): readonly { readonly name: string; readonly value: SqlValue }[] {
  return keysOf(columns)
    .filter((key) => before[key] !== after[key])
    .map((key) => ({ name: columns[key].name, value: toValue(columns, after, key) }));
}

/** The record of a row; properties whose column is `null` are absent. */
export function fromRow<Item>(columns: Columns<Item>, row: SqlRow): Item {
  const entries = keysOf(columns).flatMap((key) => {
    const value = row[columns[key].name];
    assert(value !== undefined, `column ${columns[key].name} was not selected`);
    return value === null ? [] : [[key, columns[key].fromSql(value)] as const];
  });
  return Object.fromEntries(entries) as Item;
}

function toValue<Item>(columns: Columns<Item>, item: Item, key: keyof Item): SqlValue {
  const value = item[key];
  return value === undefined
    ? null
    : columns[key].toSql(value as Exclude<Item[keyof Item], undefined>);
}

function keysOf<Item>(columns: Columns<Item>): readonly (keyof Item)[] {
  return Object.keys(columns) as (keyof Item)[];
}
