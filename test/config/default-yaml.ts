import { readFileSync } from 'node:fs'
import { defaultFile } from '../../shared/config/load.ts'

/** `config/default.yaml` as it is. */
export const defaultText = readFileSync(defaultFile, 'utf8')

/** The same with every setting that is not in use put to use: `#name: value` becomes `name: value`; prose begins with `# `. */
export const wholeText = defaultText.replaceAll(/^( *)#(?=[A-Za-z0-9]+:)/gm, '$1')
