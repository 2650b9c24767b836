import asyncio

from house import House


async def test_dbg(house: House) -> None:
    (phone,) = await house.log_in("1001")
    call, number = await house.call("605")
    talking = await house.meets(phone)
    await house.talk(call, talking)
    print(len(call.heard()) / 8000)
    print(await house.world.command("core show channels verbose"))
    await talking.hang_up()
    for _ in range(3):
        await asyncio.sleep(1)
        print(len(call.heard()) / 8000)
        print(await house.world.command("pjsip show channelstats"))
        print(await house.world.command("core show channels verbose"))
    await call.hang_up()
    await house.closed(number)
    print(await house.way(number))
