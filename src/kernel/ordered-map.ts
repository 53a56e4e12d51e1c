/**
 * An immutable map from text to values, in the order of its keys (by UTF-16 code units, so that every host has the same).
 * A change costs O(log n) time and memory and shares all the rest with the map before it: an older map stays what it
 * was, so whoever holds one holds a capture of that moment. A weight-balanced tree (Adams, "Efficient sets: a
 * balancing act", 1993, with the parameters (3, 2) that Hirai and Yamamoto proved right, 2011).
 */

interface Node<V> {
  readonly key: string;
  readonly value: V;
  readonly size: number;
  readonly left: Tree<V>;
  readonly right: Tree<V>;
}
type Tree<V> = Node<V> | undefined;

const DELTA = 3;
const GAMMA = 2;

const sizeOf = (tree: Tree<unknown>): number => (tree === undefined ? 0 : tree.size);
const weightOf = (tree: Tree<unknown>): number => sizeOf(tree) + 1;

const nodeOf = <V>(key: string, value: V, left: Tree<V>, right: Tree<V>): Node<V> => ({
  key,
  value,
  size: sizeOf(left) + sizeOf(right) + 1,
  left,
  right,
});

/** A node of subtrees of which one may be out of balance by one change. */
function balanced<V>(key: string, value: V, left: Tree<V>, right: Tree<V>): Node<V> {
  if (right !== undefined && weightOf(right) > DELTA * weightOf(left)) {
    if (weightOf(right.left) < GAMMA * weightOf(right.right))
      return nodeOf(right.key, right.value, nodeOf(key, value, left, right.left), right.right);
    const middle = right.left!;
    return nodeOf(
      middle.key,
      middle.value,
      nodeOf(key, value, left, middle.left),
      nodeOf(right.key, right.value, middle.right, right.right),
    );
  }
  if (left !== undefined && weightOf(left) > DELTA * weightOf(right)) {
    if (weightOf(left.right) < GAMMA * weightOf(left.left))
      return nodeOf(left.key, left.value, left.left, nodeOf(key, value, left.right, right));
    const middle = left.right!;
    return nodeOf(
      middle.key,
      middle.value,
      nodeOf(left.key, left.value, left.left, middle.left),
      nodeOf(key, value, middle.right, right),
    );
  }
  return nodeOf(key, value, left, right);
}

function inserted<V>(tree: Tree<V>, key: string, value: V): Node<V> {
  if (tree === undefined) return nodeOf(key, value, undefined, undefined);
  if (key === tree.key) return { ...tree, value };
  return key < tree.key
    ? balanced(tree.key, tree.value, inserted(tree.left, key, value), tree.right)
    : balanced(tree.key, tree.value, tree.left, inserted(tree.right, key, value));
}

function removed<V>(tree: Tree<V>, key: string): Tree<V> {
  if (tree === undefined) return undefined;
  if (key < tree.key) return balanced(tree.key, tree.value, removed(tree.left, key), tree.right);
  if (key > tree.key) return balanced(tree.key, tree.value, tree.left, removed(tree.right, key));
  if (tree.left === undefined) return tree.right;
  if (tree.right === undefined) return tree.left;
  let next = tree.right;
  while (next.left !== undefined) next = next.left;
  return balanced(next.key, next.value, tree.left, removed(tree.right, next.key));
}

export class OrderedMap<V> implements Iterable<readonly [key: string, value: V]> {
  private static readonly EMPTY = new OrderedMap<never>(undefined);

  private constructor(private readonly root: Tree<V>) {}

  static empty<V>(): OrderedMap<V> {
    return OrderedMap.EMPTY as OrderedMap<unknown> as OrderedMap<V>;
  }

  get size(): number {
    return sizeOf(this.root);
  }

  get(key: string): V | undefined {
    let tree = this.root;
    while (tree !== undefined && tree.key !== key) tree = key < tree.key ? tree.left : tree.right;
    return tree?.value;
  }

  with(key: string, value: V): OrderedMap<V> {
    return new OrderedMap(inserted(this.root, key, value));
  }

  /** The map itself where it has no such key. */
  without(key: string): OrderedMap<V> {
    if (this.get(key) === undefined) return this;
    const root = removed(this.root, key);
    return root === undefined ? OrderedMap.empty() : new OrderedMap(root);
  }

  /** In the order of the keys, from the entry at `index`; the first costs O(log n), each further one O(1) on average. */
  *entries(index = 0): Generator<readonly [key: string, value: V], undefined> {
    const path: Node<V>[] = [];
    let tree = this.root;
    let before = index;
    while (tree !== undefined) {
      const left = sizeOf(tree.left);
      if (before <= left) {
        path.push(tree);
        if (before === left) break;
        tree = tree.left;
      } else {
        before -= left + 1;
        tree = tree.right;
      }
    }
    for (let next = path.pop(); next !== undefined; next = path.pop()) {
      yield [next.key, next.value];
      for (tree = next.right; tree !== undefined; tree = tree.left) path.push(tree);
    }
    return undefined;
  }

  [Symbol.iterator](): Generator<readonly [key: string, value: V], undefined> {
    return this.entries();
  }

  *values(index = 0): Generator<V, undefined> {
    for (const [, value] of this.entries(index)) yield value;
    return undefined;
  }
}
