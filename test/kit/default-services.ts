import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const defaults = fileURLToPath(new URL('../../config/default.yaml', import.meta.url))

/** The services that `config/default.yaml` has ready, one a line behind a `#`: name and the line without it. */
export const readyServices = async (): Promise<ReadonlyMap<string, string>> => {
  const text = await readFile(defaults, 'utf8')
  const lines = text.matchAll(/^ {2}#(?<line>(?<name>[a-z0-9]+): \{ protocol: (?!exec).*\})$/gm)
  return new Map([...lines].map(({ groups }) => [groups?.['name'] ?? '', `  ${groups?.['line']}`]))
}

/** `config/default.yaml` with the `#` taken from these services, as a user would do it. @throws where one is not there */
export const defaultWith = async (names: readonly string[]): Promise<string> => {
  const ready = await readyServices()
  let text = await readFile(defaults, 'utf8')
  for (const name of names) {
    const line = ready.get(name)
    if (line === undefined)
      throw new Error(`config/default.yaml has no service ${name} ready, only ${[...ready.keys()].join(', ')}`)
    text = text.replace(`  #${line.trimStart()}`, line)
  }
  return text
}
