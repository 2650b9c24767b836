from house import House
import asyncio
async def test_dbg(house: House) -> None:
    (phone,) = await house.log_in("1001")
    call, number = await house.call("605")
    talking = await house.meets(phone)
    await house.talk(call, talking)
    print(len(call.heard())/8000)
    await talking.hang_up()
    for _ in range(6):
        await asyncio.sleep(1)
        print(len(call.heard())/8000)
    print(await house.world.channels())
    for c in await house.world.channels(): print(await asyncio.to_thread(house.world._rx, "core show channel "+c) if hasattr(house.world,"_rx") else "")
    for c in await house.stack.channels(): print(await house.stack.console("core show channel "+c))
    print(await house.stack.console("pjsip show channelstats"))
    await asyncio.sleep(2)
    print(await house.stack.console("pjsip show channelstats"))
    await call.hang_up()
    await house.closed(number)
    print(await house.way(number))
