/**
 * The same object with some of its methods replaced, for a test that breaks one thing and leaves the
 * rest as it is. Whatever else the object gains later comes along.
 */
export function overriding<Target extends object>(
  target: Target,
  overrides: Partial<Target>,
): Target {
  return new Proxy(target, {
    get(object, name) {
      const holder = name in overrides ? overrides : object;
      const value: unknown = Reflect.get(holder, name, holder);
      // Private fields are those of the object itself, not of what stands before it.
      return typeof value === 'function' ? (value.bind(holder) as unknown) : value;
    },
  });
}
