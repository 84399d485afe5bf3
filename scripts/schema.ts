/** Writes `config/schema.json`, the JSON Schema that editors check configuration files by: `npm run schema`. */
import { writeFileSync } from 'node:fs'
import { protocols } from '../servers/supervisor/protocols.ts'
import { jsonSchemaText, schemaFile } from '../shared/config/json-schema.ts'

writeFileSync(schemaFile, jsonSchemaText(protocols))
