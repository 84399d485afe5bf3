/** Several pieces of work at a time, their results in the order of the items. */

/**
 * @param most items that are worked on ahead of the one whose result is taken
 * @throws what the work threw, in the place of its result; what runs by then is waited for
 */
export async function* inOrder<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  most: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = []
  try {
    for await (const item of items) {
      const result = work(item)
      result.catch(() => undefined) // thrown in its turn
      running.push(result)
      if (running.length < most) continue
      const first = running.shift()
      if (first !== undefined) yield await first
    }
    for (let first = running.shift(); first !== undefined; first = running.shift()) yield await first
  } finally {
    await Promise.allSettled(running)
  }
}
