import type { Random } from '../../src/random.js';

/** Draws from lists with one seeded generator. */
export class Sampler {
  constructor(private readonly random: Random) {}

  /** One item, each as likely as the next; throws RangeError for an empty list. */
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

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.random.uniform() < probability;
  }

  /** Uniform over the integers `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.random.integer(high - low + 1);
  }

  /** Puts the items in a random order, in place, and returns them. */
  shuffle<Item>(items: Item[]): Item[] {
    return this.random.shuffle(items);
  }
}
