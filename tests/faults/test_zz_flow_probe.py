import time
from pathlib import Path
from tests.faults.test_a_store_that_is_away_is_waited_for import *
from tests.faults.test_a_store_that_is_away_is_waited_for import begin
del test_a_transfer_waits_while_the_store_refuses_connections, test_a_store_killed_in_mid_transfer_ends_with_a_whole_copy

def test_probe(world: World, tmp_path: Path) -> None:
    version, data = begin(world, tmp_path, 32)
    old = world.live.pid(BEHIND)
    world.live.kill(BEHIND)
    world.relay.rate = None
    t=time.time(); out=open("/tmp/fm/flow/probe.txt","w")
    wait_for(lambda: world.live.pid(BEHIND) != old, "a store that runs again")
    for _ in range(30):
        row = world.transfer(version)
        print(round(time.time()-t,1), {k: row[k] for k in ("state","reason_code","reason","attempt","next_attempt_at","bytes_done","bytes_total","started_at")}, file=out, flush=True)
        if row["state"]=="done": break
        time.sleep(3)
