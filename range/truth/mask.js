// Makes the range's own functions look like those they replace: some SDKs ask a function for its source text and go
// another way when it is not native code. Returns mask(replacement, original) -> replacement.
() => {
  const originals = new WeakMap();
  const sourceOf = Function.prototype.toString;
  const mask = (replacement, original) => {
    originals.set(replacement, original);
    Object.defineProperty(replacement, 'name', { value: original.name, configurable: true });
    Object.defineProperty(replacement, 'length', { value: original.length, configurable: true });
    return replacement;
  };
  const toString = mask({ toString() { return sourceOf.call(originals.get(this) ?? this); } }.toString, sourceOf);
  Object.defineProperty(Function.prototype, 'toString', { value: toString, writable: true, configurable: true });
  return mask;
}
