import { readFileSync } from 'node:fs'

/** The version of Havre, from its package.json: one folder up from the sources, two from dist/. */
export const packageVersion = (): string => {
  for (const up of ['..', '../..']) {
    try {
      const parsed: unknown = JSON.parse(readFileSync(new URL(`${up}/package.json`, import.meta.url), 'utf8'))
      if (typeof parsed === 'object' && parsed !== null && 'version' in parsed && typeof parsed.version === 'string')
        return parsed.version
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
  throw new Error('package.json is missing beside the program')
}
