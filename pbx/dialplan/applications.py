"""Which module of Asterisk brings which applications (release 22).

A test compares this with what the bundled PBX says of itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

CORE = frozenset(
    {
        "Answer", "BackGround", "Bridge", "Busy", "CallCompletionCancel",
        "CallCompletionRequest", "Congestion", "ExecIfTime", "Goto", "GotoIf",
        "GotoIfTime", "Hangup", "Incomplete", "MSet", "MessageSend", "NoOp", "Proceeding",
        "Progress", "RaiseException", "Ringing", "SayAlpha", "SayAlphaCase", "SayDigits",
        "SayMoney", "SayNumber", "SayOrdinal", "SayPhonetic", "Set", "Wait", "WaitDigit",
        "WaitExten",
    }
)  # fmt: skip
"""Applications of Asterisk itself."""

MODULES: Mapping[str, Collection[str]] = {
    "app_agent_pool": ("AgentLogin", "AgentRequest"),
    "app_alarmreceiver": ("AlarmReceiver",),
    "app_amd": ("AMD",),
    "app_attended_transfer": ("AttendedTransfer",),
    "app_audiosocket": ("AudioSocket",),
    "app_authenticate": ("Authenticate",),
    "app_blind_transfer": ("BlindTransfer",),
    "app_bridgeaddchan": ("BridgeAdd",),
    "app_bridgewait": ("BridgeWait",),
    "app_broadcast": ("Broadcast",),
    "app_chanisavail": ("ChanIsAvail",),
    "app_channelredirect": ("ChannelRedirect",),
    "app_chanspy": ("ChanSpy", "ExtenSpy", "DAHDIScan"),
    "app_confbridge": ("ConfBridge", "ConfKick"),
    "app_controlplayback": ("ControlPlayback",),
    "app_db": ("DBdel", "DBdeltree"),
    "app_dial": ("Dial", "RetryDial"),
    "app_dictate": ("Dictate",),
    "app_directed_pickup": ("Pickup", "PickupChan"),
    "app_directory": ("Directory",),
    "app_disa": ("DISA",),
    "app_dtmfstore": ("StoreDTMF",),
    "app_dumpchan": ("DumpChan",),
    "app_echo": ("Echo",),
    "app_exec": ("Exec", "ExecIf", "TryExec"),
    "app_externalivr": ("ExternalIVR",),
    "app_followme": ("FollowMe",),
    "app_forkcdr": ("ForkCDR",),
    "app_if": ("If", "ElseIf", "Else", "EndIf", "ExitIf"),
    "app_mf": ("ReceiveMF", "SendMF", "PlaybackMF"),
    "app_milliwatt": ("Milliwatt",),
    "app_minivm": (
        "MinivmAccMess",
        "MinivmDelete",
        "MinivmGreet",
        "MinivmMWI",
        "MinivmNotify",
        "MinivmRecord",
    ),
    "app_mixmonitor": ("MixMonitor", "StopMixMonitor"),
    "app_morsecode": ("Morsecode",),
    "app_mp3": ("MP3Player",),
    "app_originate": ("Originate",),
    "app_page": ("Page",),
    "app_playback": ("Playback",),
    "app_playtones": ("PlayTones", "StopPlayTones"),
    "app_privacy": ("PrivacyManager",),
    "app_queue": (
        "AddQueueMember",
        "PauseQueueMember",
        "Queue",
        "QueueLog",
        "QueueUpdate",
        "RemoveQueueMember",
        "UnpauseQueueMember",
    ),
    "app_read": ("Read",),
    "app_readexten": ("ReadExten",),
    "app_record": ("Record",),
    "app_reload": ("Reload",),
    "app_sayunixtime": ("DateTime", "SayUnixTime"),
    "app_senddtmf": ("SendDTMF",),
    "app_sendtext": ("SendText",),
    "app_sf": ("ReceiveSF", "SendSF"),
    "app_signal": ("Signal", "WaitForSignal"),
    "app_sms": ("SMS",),
    "app_softhangup": ("SoftHangup",),
    "app_speech_utils": (
        "SpeechActivateGrammar",
        "SpeechBackground",
        "SpeechCreate",
        "SpeechDeactivateGrammar",
        "SpeechDestroy",
        "SpeechLoadGrammar",
        "SpeechProcessingSound",
        "SpeechStart",
        "SpeechUnloadGrammar",
    ),
    "app_stack": ("Gosub", "GosubIf", "Return", "StackPop"),
    "app_stasis": ("Stasis",),
    "app_statsd": ("StatsD",),
    "app_stream_echo": ("StreamEcho",),
    "app_system": ("System", "TrySystem"),
    "app_talkdetect": ("BackgroundDetect",),
    "app_tdd": ("TddRx", "TddTx"),
    "app_transfer": ("Transfer",),
    "app_url": ("SendURL",),
    "app_userevent": ("UserEvent",),
    "app_verbose": ("Log", "Verbose"),
    "app_voicemail": ("VMAuthenticate", "VMSayName", "VoiceMail", "VoiceMailMain"),
    "app_voicemail_play": ("VoiceMailPlayMsg",),
    "app_waitforcond": ("WaitForCondition",),
    "app_waitforring": ("WaitForRing",),
    "app_waitforsilence": ("WaitForNoise", "WaitForSilence"),
    "app_waituntil": ("WaitUntil",),
    "app_while": ("ContinueWhile", "EndWhile", "ExitWhile", "While"),
    "app_zapateller": ("Zapateller",),
    "chan_pjsip": ("PJSIPHangup",),
    "func_hangupcause": ("HangupCauseClear",),
    "func_strings": ("ClearHash",),
    "res_agi": ("AGI", "DeadAGI", "EAGI"),
    "res_musiconhold": ("MusicOnHold", "StartMusicOnHold", "StopMusicOnHold"),
    "res_parking": ("Park", "ParkAndAnnounce", "ParkedCall"),
}
"""By module, without its suffix, the applications it brings."""

HOME = {application: module for module, names in MODULES.items() for application in names}
"""By application, the module that brings it."""


def available(modules: Collection[str]) -> frozenset[str]:
    """Return the applications that a PBX with these modules (names without suffix) has."""
    return CORE.union(*(MODULES.get(module, ()) for module in modules))
