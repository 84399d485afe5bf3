/** Words in braces stand for settings that are known only when the program starts. */

/** What the words stand for. */
export interface Places {
  readonly data: string
  readonly logs: string
  readonly host: string
  readonly port: number
  /** In a preparation only: where to make what is to be made. */
  readonly new?: string
}

const words = ['data', 'logs', 'host', 'port', 'new'] as const
const pattern = new RegExp(`\\{(${words.join('|')})\\}`, 'g')

/** `--port={port}` → `--port=3306`. Other braces stay as they are, and what is put in is not looked at again. */
export const fill = (text: string, places: Places): string =>
  text.replace(pattern, (word, name: string) => {
    const known = words.find((each) => each === name)
    const value = known === undefined ? undefined : places[known]
    return value === undefined ? word : String(value)
  })
