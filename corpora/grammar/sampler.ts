import type { Random } from '../../src/random.js';

/** Random choices from a seeded generator. */
export class Sampler {
  constructor(private readonly random: Random) {}

  /** A uniformly chosen item. Throws RangeError for an empty list. */
  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.random.integer(items.length)];
    if (item === undefined) throw new RangeError('cannot pick from an empty list');
    return item;
  }

  /** Two different items. */
  pickTwo<Item>(items: readonly Item[]): [Item, Item] {
    const first = this.random.integer(items.length);
    const second = (first + 1 + this.random.integer(items.length - 1)) % items.length;
    return [items[first]!, items[second]!];
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.random.uniform() < probability;
  }

  /** A uniform integer from `low` to `high`, both inclusive. */
  between(low: number, high: number): number {
    return low + this.random.integer(high - low + 1);
  }

  /** Shuffles the items in place and returns them. */
  shuffle<Item>(items: Item[]): Item[] {
    return this.random.shuffle(items);
  }
}
