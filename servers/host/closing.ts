/** How something is closed for good, in the language itself (`seal.ts`). Keeps for itself all that it needs. */
const { assign, create, defineProperty } = Object

/** What whoever asks for something that is closed gets: the error that the permission model would throw. */
export class Refused extends Error {
  readonly code = 'ERR_ACCESS_DENIED'
  constructor(what: string) {
    super(`Access to ${what} has been restricted`)
  }
}

/** A function that refuses whatever it is asked. */
export const refuse = (what: string) =>
  function refused(): never {
    throw new Refused(what)
  }

/** For good: nobody can put something else in its place. */
export const replace = (owner: object, name: PropertyKey, value: unknown): void => {
  // Without a prototype: what somebody puts there says nothing.
  defineProperty(owner, name, assign(create(null), { value, writable: false, configurable: false, enumerable: true }))
}
