import { nativeCrypto as crypto } from '../../crypto/native.ts'
import { type Certificate, checkCertificate, readCertificate } from '../../tokens/certificate.ts'
import { committeeOf } from '../../tokens/epoch.ts'
import { isRefusal } from '../../tokens/refusal.ts'
import { seenSignatures } from '../../tokens/seen-signatures.ts'
import { certificate as certificates } from '../collections/tokens/certificate.ts'
import { paddedSeq } from '../collections/tokens/core-form.ts'
import type { Sql } from '../sql.ts'
import type { Chain } from './epoch-chain.ts'

const AT_ONCE = 500

/** Judges the certificates of a ledger that were not judged yet and whose epoch is known. One of an
 *  epoch that is not known waits for it; none is judged twice. */
export async function judgeCertificates(
  tx: Sql,
  genesis: string,
  chain: Chain,
  now: Date,
): Promise<void> {
  const { checked } = seenSignatures()
  const committees = new Map(chain.map((at) => [at.id, committeeOf(at)]))
  for (;;) {
    const { rows } = await tx.query<Waiting>(WAITING, [
      genesis,
      [...committees.keys()],
      certificates.nsid,
      AT_ONCE,
    ])
    const judged = rows.flatMap(({ uri, cid, bytes }) => {
      const read = readCertificate(new Uint8Array(bytes))
      if (isRefusal(read)) return []
      const { certificate } = read
      const committee = committees.get(certificate.committee)!
      const found = checkCertificate(crypto, certificate, committee, { checked })
      const isWitnessed = certificate.epoch === chain.length - 1
      const word = isRefusal(found)
        ? { reason: found.reason }
        : { time: found.time, signers: found.signers }
      return [{ uri, cid, ...namesOf(certificate), ...word, isWitnessed, judgedAt: now }]
    })
    await tx.query(KEEP, [JSON.stringify(judged)])
    if (rows.length < AT_ONCE) return
  }
}

type Waiting = { uri: string; cid: string; bytes: Buffer }

function namesOf({ ledger, epoch, phase, account, seq, prev, transfer }: Certificate) {
  return { ledger, epoch, phase, account, seq: paddedSeq(seq), prev, transfer }
}

const WAITING = `select c.uri, c.cid, r.bytes from appview."tokenCertificate" c
  join appview.record r on r.did = c.did and r.collection = $3 and r.rkey = c.rkey
  where c.ledger = $1 and c.committee = any($2) and r.bytes is not null and not exists (
    select 1 from node."tokenJudgement" j where j.uri = c.uri and j.cid = c.cid)
  limit $4`

const COLUMNS = `uri, cid, ledger, epoch, phase, account, seq, transfer, prev, reason, time,
  signers, "isWitnessed", "judgedAt"`

const KEEP = `insert into node."tokenJudgement" (${COLUMNS})
  select ${COLUMNS} from json_to_recordset($1::json) as f(
    uri text, cid text, ledger text, epoch integer, phase text, account text, seq text,
    transfer text, prev text, reason text, time timestamptz, signers text[],
    "isWitnessed" boolean, "judgedAt" timestamptz)`
