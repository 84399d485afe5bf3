/** Names that the types of @peculiar/x509 2.2.0 expect from a browser's types; Node has the same under `webcrypto`. */
import type { webcrypto } from 'node:crypto'

declare global {
  type BufferSource = ArrayBufferView | ArrayBuffer
  type Algorithm = webcrypto.Algorithm
  type AlgorithmIdentifier = webcrypto.AlgorithmIdentifier
  type EcKeyImportParams = webcrypto.EcKeyImportParams
  type RsaHashedImportParams = webcrypto.RsaHashedImportParams
  type EcdsaParams = webcrypto.EcdsaParams
  type EcKeyGenParams = webcrypto.EcKeyGenParams
  type RsaHashedKeyGenParams = webcrypto.RsaHashedKeyGenParams
  type KeyUsage = webcrypto.KeyUsage
  type CryptoKeyPair = webcrypto.CryptoKeyPair
}
