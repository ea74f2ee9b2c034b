import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { nativeCrypto as crypto } from '../crypto/native.ts'
import { proofFile } from '../tokens/proof-file.ts'
import { isRefusal } from '../tokens/refusal.ts'
import { TRANSFER, transferRkey } from '../tokens/transfer.ts'
import { fetchProof } from '../validator/fetch-proof.ts'
import { type Verb, UsageError } from './command.ts'
import { PLACE_OPTIONS, openPlace, recordProof } from './wallet-place.ts'

/** Writes what proves a transfer. */
export const walletProve: Verb = {
  name: 'prove',
  summary: 'write what proves a transfer to a file that needs no network to be verified',
  usage: `./angelos wallet prove NUMBER FILE --account HANDLE [--genesis FILE] [--service ORIGIN]

  NUMBER is that of the transfer in the account that has sent it.`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: PLACE_OPTIONS,
    })
    const [number = '', file, ...more] = positionals
    const seq = /^\d{1,12}$/.test(number) ? Number(number) : 0
    if (seq === 0 || file === undefined || more.length > 0)
      throw new UsageError('Say the number of a transfer and a file.')
    const place = await openPlace(values)
    const { fetch, chain, current, identity } = place
    const rkey = transferRkey(current.epoch.code, seq)
    const car = () => recordProof(place, TRANSFER, rkey)
    const proof = await fetchProof({ crypto, fetch }, chain, { account: identity.did, seq, car })
    if (!proof || isRefusal(proof)) {
      const why = proof ? `${proof.reason}: ${proof.detail}` : `number ${seq} is not final yet`
      process.stderr.write(`${why}\n`)
      return 1
    }
    await writeFile(file, `${JSON.stringify(proofFile(proof))}\n`)
    process.stdout.write(`./angelos wallet verify ${file} --genesis ${chain[0]!.id}\n`)
    return 0
  },
}
