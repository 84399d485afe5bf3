import { InvalidArgumentError } from 'commander'

/** A number of messages as an argument. @throws {InvalidArgumentError} */
export const wholeNumber = (text: string): number => {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError('It is a whole number.')
  return Number(text)
}
