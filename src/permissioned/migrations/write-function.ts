/**
 * Stores writes of several repos; answers the numbers of the repos whose writes were stored. A repo
 * whose rev is not the known one, or that holds what was believed absent, stays as it is. A
 * function, because planning one statement of so many parts takes longer than all of its work.
 */
export const WRITE_FUNCTION = `
create function repo.write(
  spaces text[], dids text[], knowns text[], revs text[], states bytea[], hashes bytea[],
  sources text[], ends int[], "wRevs" text[], "wCollections" text[], "wRkeys" text[],
  "wCids" text[], "wPrevs" text[], "wBytes" bytea[], "wEvidence" text[], "wKept" bool[],
  "wFresh" bool[], "wBlobs" text[], "toldAt" timestamptz, "toldUntil" timestamptz)
returns int[] language plpgsql as $$
declare
  done int[] := '{}';
  first int := 1;
  fits bool;
  gone timestamptz;
begin
  for i in 1 .. cardinality(spaces) loop
    fits := true;
    for w in first .. ends[i] loop
      if "wFresh"[w] and fits then
        perform 1 from repo.record where space = spaces[i] and did = dids[i]
          and collection = "wCollections"[w] and rkey = "wRkeys"[w];
        fits := not found;
      end if;
    end loop;
    if fits then
      if knowns[i] is null then
        insert into repo.repo (space, did, rev, "setHash", source)
          values (spaces[i], dids[i], revs[i], states[i], sources[i]) on conflict do nothing;
      else
        update repo.repo set rev = revs[i], "setHash" = states[i], source = sources[i],
            "deletedAt" = null
          where space = spaces[i] and did = dids[i] and rev = knowns[i];
      end if;
      fits := found;
    end if;
    if fits then
      done := done || i;
      for w in first .. ends[i] loop
        insert into repo.oplog (space, did, rev, idx, collection, rkey, cid, prev)
          values (spaces[i], dids[i], "wRevs"[w], w - first, "wCollections"[w], "wRkeys"[w],
            "wCids"[w], "wPrevs"[w]);
        continue when not "wKept"[w];
        if "wCids"[w] is null then
          delete from repo.record where space = spaces[i] and did = dids[i]
            and collection = "wCollections"[w] and rkey = "wRkeys"[w];
        else
          insert into repo.record (space, did, collection, rkey, cid, bytes, rev, evidence)
            values (spaces[i], dids[i], "wCollections"[w], "wRkeys"[w], "wCids"[w], "wBytes"[w],
              "wRevs"[w], "wEvidence"[w]::jsonb)
            on conflict (space, did, collection, rkey) do update set cid = excluded.cid,
              bytes = excluded.bytes, rev = excluded.rev, evidence = excluded.evidence;
        end if;
        if "wPrevs"[w] is not null then
          delete from repo."blobRef" where space = spaces[i] and did = dids[i]
            and collection = "wCollections"[w] and rkey = "wRkeys"[w];
        end if;
        if "wBlobs"[w] is not null then
          insert into repo."blobRef" (space, did, collection, rkey, cid, rev)
            select spaces[i], dids[i], "wCollections"[w], "wRkeys"[w], cid, "wRevs"[w]
            from unnest(string_to_array("wBlobs"[w], ' ')) as blob (cid);
        end if;
      end loop;
      insert into repo.change (space, did, rev) values (spaces[i], dids[i], revs[i])
        on conflict (space, did) do update set rev = excluded.rev;
      if sources[i] = 'signed' then
        select "deletedAt" into gone from repo.space where space = spaces[i];
        if not found then
          insert into repo.outbox (space, did, rev, hash, "nextAt", until)
            values (spaces[i], dids[i], revs[i], hashes[i], "toldAt", "toldUntil")
            on conflict (space, did) do update set rev = excluded.rev, hash = excluded.hash,
              until = excluded.until;
        elsif gone is null then
          insert into repo.writer (space, did, rev, hash)
            values (spaces[i], dids[i], revs[i], hashes[i])
            on conflict (space, did) do update set rev = excluded.rev, hash = excluded.hash,
              "spaceRev" = null;
        end if;
      end if;
    end if;
    first := ends[i] + 1;
  end loop;
  return done;
end $$`
