const SIZE = 64;

/**
 * An immutable list that is cheap to append to and to change near its end.
 *
 * The state of a run after every one of 10,000 events is a value of its own. With arrays that would copy the whole
 * stream 10,000 times; here a change copies one chunk of at most 64 items and the list of chunks, and shares the rest.
 */
export class AppendList<T> {
  static readonly empty: AppendList<never> = new AppendList<never>([], 0);

  readonly #chunks: readonly (readonly T[])[];
  readonly length: number;

  private constructor(chunks: readonly (readonly T[])[], length: number) {
    this.#chunks = chunks;
    this.length = length;
  }

  static of<T>(...items: readonly T[]): AppendList<T> {
    return items.reduce<AppendList<T>>((list, item) => list.append(item), AppendList.empty);
  }

  /** The item at an index; undefined outside of the list. */
  at(index: number): T | undefined {
    return this.#chunks[Math.floor(index / SIZE)]?.[index % SIZE];
  }

  append(item: T): AppendList<T> {
    const last = this.#chunks.at(-1);
    const chunks =
      last === undefined || last.length === SIZE
        ? [...this.#chunks, [item]]
        : this.#chunks.with(-1, [...last, item]);
    return new AppendList(chunks, this.length + 1);
  }

  /** The same list with another item at an index that it has. */
  replace(index: number, item: T): AppendList<T> {
    const chunk = this.#chunks[Math.floor(index / SIZE)];
    if (chunk === undefined || index % SIZE >= chunk.length) throw new RangeError(`no item ${index}`);
    return new AppendList(this.#chunks.with(Math.floor(index / SIZE), chunk.with(index % SIZE, item)), this.length);
  }

  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (const chunk of this.#chunks) yield* chunk;
  }

  /** Index of the first item for which a condition holds that holds for every later one; the length if for none. */
  firstWhere(holds: (item: T) => boolean): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(this.at(middle) as T)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
