"""Sentences of a page that are not the story: consent walls, subscriptions, bylines, credits, menus, dates."""

from __future__ import annotations

import re

from bot.judge.text import HAN, fold, is_chinese, table

SHORT, SHORT_CHINESE = 60, 16
"""A longer sentence that only mentions cookies or a newsletter may be news about them."""

# Looked for in the folded sentence, whatever its length: they talk to the reader, or about the page.
_TO_THE_READER = re.compile(
    r"\b(we|our|us)\b.{0,60}\b(cookies?|partners|your (privacy|consent|personal data|device|browser|experience))"
    r"|\bcookies?\b.{0,80}\b(your|our (site|website|web site|service|partners)|this (site|website)|experience"
    r"|accept|reject|consent|preferences|settings|policy|notice)"
    r"|(cookie|privacy) (policy|settings|notice|preferences|statement|choices|banner)|manage (consent|preferences)"
    r"|^(accept|reject|allow|agree|decline)( to)? (all|and|to)( (and|to|necessary))?( (continue|close|proceed|save)|$)"
    r"|(accept|reject|allow|manage|necessary|functional|performance|targeting) (all )?cookies|legitimate interests?"
    r"|precise geolocation|with your (permission|consent)|(your|you) (privacy|consent|ad choices|data rights)"
    r"|personali[sz]ed (ads|advertising|content)|advertising and content|(ad|content) measurement"
    r"|unique identifiers|information (stored )?on (a|your) device|^terms (of|and)"
    r"|(our|these|to the) terms (of|and)\b"
    r"|(sign|log) ?-?(in|up|on) (to|for|now|here|today|with|free)\b|^(please )?(sign|log) ?-?(in|up)\b"
    r"|(subscribe|register|join) (to|now|here|today|for|free|us)\b|^(subscribe|register)\b|\bsubscribers? only"
    r"|(for|to) (our )?(subscribers|members)\b.{0,12}$|already (a )?(subscriber|member|registered|have an account)"
    r"|free (articles?|stories|trial|newsletter|account)|articles? (remaining|left)|(create|have) an account"
    r"|your (inbox|e-?mail|browser|account|subscription|free|device|experience|ad blocker|feedback|support|choices)"
    r"|(daily|weekly|morning|our|free|e-?mail) newsletters?|newsletters? (sign|delivered|straight)"
    r"|enable (javascript|cookies)|javascript (is|must|to|in)|ad ?-?blocker|checking your browser"
    r"|are you (a )?(human|robot)"
    r"|(read|view|see|show|load|learn|find out) (the )?(more|full (story|article)|original|comments)\b.{0,40}$"
    r"|continue reading|keep reading|click (here|the|to|on)|tap (here|to)|scroll (down|to)|skip to (main |)content"
    r"|all rights reserved|copyright (©|\(c\)|\d{4})|©|^copyright\b|reproduction (is )?prohibited"
    r"|may not be reproduced"
    r"|\b(share|tweet|print|save|e-?mail|copy) (this|on|via|to|link|article|story)\b|^share\b.{0,60}$"
    r"|follow (us|me)\b|^follow \S+ on\b|like us on|download (the|our) app|(get|open|use) (the|our) app\b"
    r"|related (stories|articles|topics|news|coverage|content|posts|reading)|recommended (for|stories|reading)"
    r"|^(the )?(most|more) (read|popular|from|stories|on this|news)\b.{0,30}$|you (may|might) also"
    r"|trending now|up next"
    r"|the post .{1,200} appeared|this (article|story|post|content) (was|is|has been|originally|first|contains|may)"
    r"|^(paid |sponsored |)(advertisement|advertising|sponsored|promoted|promotion)\b.{0,40}$|paid (content|post)"
    r"|advertisement(\.|$)|listen to (this|the) (article|story)|\d+[ -]?min(ute)?s?\.?([ -]?(read|listen|watch))"
    r"|trust principles|our standards|(send|write|contact|e-?mail) (us|to us)|got a (tip|story)|news tips?\b"
    r"|^sources?:.{0,50}$|^topics?:|back to top|leave a comment|comments? (are|have been) closed"
    r"|\d+ comments?$|^(comments?|reply|menu|search|close)\.?$"
    r"|^(disclaimer|disclosure|editor's note|correction|note to editors|about the author|via|tags?"
    r"|filed under|keywords|category|categories|more on|read also|see also|also read|read more|related)\b ?[:|-]"
    r"|^(photo|image|picture|video|file photo|illustration|graphic|credit|screenshot|caption)s?( credit| by|/)?s? ?:"
    r"|getty images|shutterstock|istock|unsplash|afp via|epa-efe|ap photo|via reuters$|^reuters/|/reuters$"
    r"|/file photo|visual china"
    r"|\((photo|image|file photo|picture)\b|(photo|image) (by|courtesy|credit)"
    r"|^(with )?(additional )?(reporting|writing|editing|edited|compiled|translated|photograph\w*)"
    r" by\b|^(by|from) (our |the )?(staff|agency|agencies|correspondents?|reuters|afp|bloomberg|xinhua)\b.{0,40}$"
    r"|未经.{0,10}(授权|许可|同意).{0,6}(转载|使用|复制|不得|禁止|摘编|引用|$)"
    r"|(转载|摘编|引用).{0,14}(注明|授权|出处|联系|来源|本网|必究)|(欢迎|谢绝|禁止|严禁|不得|请勿)转载"
    r"|版权(所有|声明|归|属)|侵权(必究|请联系|删除)|免责声明|著作权|举报(电话|邮箱|热线|/|反馈)|投诉(电话|邮箱)"
    r"|责任编辑|(本文|责|主|值班|执行)编(辑)?[::]|责编|校对[::]|编审|(原|来源)标题|原标题|来源[::|]|来自[::]"
    r"|稿源|出处[::]|信源[::]"
    r"|点击.{0,14}(阅读|查看|下载|关注|进入|这里|此处|上方|下方|蓝字|链接|订阅|购买|观看|了解|原文|收听|试听|此|图片)|^点击|戳(这里|此|链接)"
    r"|阅读(原文|全文|更多|下一篇|上一篇)|(查看|展开|更多)(全文|更多|内容|评论|精彩|资讯|新闻|报道|阅读)"
    r"|(原文|相关)(链接|网址|地址)"
    r"|^相关(新闻|报道|文章|推荐|专题)|相关阅读|延伸阅读|推荐阅读|^热门(推荐|文章|评论)|猜你喜欢|为您推荐"
    r"|上一篇|下一篇|返回(首页|顶部|列表)"
    r"|微信扫|扫一扫|扫(码|描).{0,8}(关注|加|下载|分享|阅读|进群|查看|二维码|打开)|^扫码"
    r"|(长按|识别|扫描).{0,6}二维码|关注.{0,16}(公众号|微信|微博|我们|客户端|抖音|视频号|账号)|公众号[:(]"
    r"|微信(公众)?号:"
    r"|(分享|转发)(到|至|本文)|分享.{0,4}朋友圈|^(打开|下载|安装).{0,10}(app|客户端)|(请|立即|马上)(打开|下载)"
    r"|客户端(下载|阅读)|更多资讯"
    r"|(字号|字体)[::]? ?[大小中+-]|【?(大|小)】? ?【?中】? ?【?(大|小)】?$|打印(本页|本文)?$|收藏(本文)?$"
    r"|^(打印|收藏|分享|评论|纠错|举报|复制链接)([:/|·到 ]|$)"
    r"|当前位置|您(的|所在)?(的)?位置|所在位置|^(网站)?首页[ >›»/|·-]|登录(后|查看|注册|/)"
    r"|(请|立即|马上)(先)?(登录|注册|订阅)"
    r"|(订阅|注册)(我们|电子报|本刊|后|即可|会员|服务|电子)|会员(专享|可读|登录)|付费(阅读|可读|后)"
    r"|剩余.{0,6}(%|未读|内容)"
    r"|^.{0,4}(广告|推广|赞助内容)$|^广告([:/| ]|$)"
    r"|本(文|网|站|刊|报)(来自|系|为.{0,10}(原创|独家|授权)|仅代表|由.{0,16}(授权|整理|编译|原创)|所有|声明|观点"
    r"|转载|不代表|不构成|内容)|(不|并不)构成.{0,6}(投资)?建议|仅(供参考|代表作者)|文章仅|作者(简介|系)|(投资"
    r"|市场)有风险|入市须谨慎"
    r"|(图片|封面|题图|首图|头图|配图|插图|视频)来源|^(图|图片|题图|封面|视频|插图|封面图)[/:|]"
    r"|图(源|片来自|自|虫创意)|视觉中国|(资料|配)图$|(新华社|中新社|摄图网).{0,8}(摄|发)\)?$"
    r"|隐私(政策|声明|条款)|用户协议|使用条款|服务条款|cookie ?(政策|设置|声明)|使用.{0,6}cookie|浏览体验"
    r"|我们(使用|会使用|及).{0,16}(cookie|合作伙伴)"
    r"|接受(全部|所有)(cookie)?$|网站地图|联系我们|关于我们|^(上|下)一页|icp备(\d|案号?:)|公网安备|热线电话"
    r"|新闻热线|投稿(邮箱|请)|^[•·]? ?(详见)?附件"
)
# Only where the sentence is short: long ones that hold these may tell news.
_MENTIONS = re.compile(
    r"\bcookies?\b|\bsubscribe\b|read more|newsletter|advertisement|privacy policy|javascript|\blog ?in\b"
    r"|转载|登录|订阅|公众号|下载|点击"
)
_BYLINE = re.compile(
    r"^by [a-z][\w.'-]+( [a-z][\w.'-]*){1,3}(( and|,| &) [a-z][\w.'-]+( [a-z][\w.'-]*){0,3}){0,4}"
    r"( ?[|·,/-] ?.{0,80}| in [a-z ]{2,30})?[.]?$"
    rf"|^[{HAN}]{{0,4}}记者(?!.*(从|获悉|了解|发现|注意|问|会|组织|称|被|说))[:·{HAN}]{{2,14}}$"
    r"|^(编辑|作者|撰文|撰稿|采写|(见习)?记者|摄影|编译|整理|校对|审核|监制|实习生|通讯员|出品|制图|策划)"
    r"(\S{0,4}[:/|]|\S{2,8}$)|^(文|图|摄)[:/|]"
)
_NAME_AND_TITLE = re.compile(r"^[A-Z][\w.'-]+( [A-Z][\w.'-]*){1,3}, [A-Z][\w.]+( [A-Z][\w.]+){0,2}$")
_WHEN = (
    r"\d{4} ?[-/.年] ?\d{1,2} ?[-/.月] ?\d{1,2}日?|\d{1,2}:\d{2}(:\d{2})?|\d{1,2}月\d{1,2}日"
    r"|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2},? \d{4}"
    r"|\d{1,2} (jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,? \d{4}"
    r"|(mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?|周[一二三四五六日天]|星期[一二三四五六日天]"
    r"|\d+ (minutes?|hours?|days?) ago|\d+(分钟|小时|天)前"
)
_DATE_WORDS = (
    r"published|updated|posted|first|last|modified|on|at|by|am|pm|a\.m|p\.m|utc|gmt|est|edt|hkt|cst|bst|sgt|et"
    r"|发布(时间|于)?|更新(时间|于)?|时间|日期|上午|下午|北京时间|浏览|阅读|点击|次"
)
_DATE_ONLY = re.compile(rf"(?:{_WHEN}|\b(?:{_DATE_WORDS})\b|{_DATE_WORDS}|[\s\d:|·,.()/\[\]+-])+")
_HAS_DATE = re.compile(_WHEN)
_DATED = re.compile(
    rf"^(first )?(published|updated|posted|last (updated|modified)|(发布|更新)(时间|于))\b.{{0,20}}(?:{_WHEN})"
)
_CRUMBS = re.compile(r"[>›»].{1,40}[>›»]|^(home|news|首页|主页) ?[>›»/|]|^.{1,14} [>›»] .{1,20}$")

_NAME = rf"(?!从|在|获|了)[{HAN}·]{{2,4}}"
_LABELS = rf"原标题|标题|来源|稿源|作者|编辑|责任编辑|责编|发布时间|时间|[{HAN}]{{0,4}}记者|通讯员"
_INSIDE = re.compile(
    r"\((?:[^()]{0,12}(?:记者(?!无国界)|通讯员|实习生|编辑|责编|作者)[^()]{0,40}|完|全文完|来源:[^()]{1,30})\)"
    rf"|原标题: ?.{{1,80}}?(?=\s(?:{_LABELS})[: ]|\s\d{{4}}[-年/.]|$)"
    rf"|(?<!\S)(?:来源|稿源|作者|编辑|责任编辑|责编|发布时间|时间): ?\S{{1,20}}(?!\S)"
    rf"|(?<!\S)(?:{_LABELS})(?: {_NAME}(?!\S))+"
    r"|(?<!\S)\d{4}[-年/.]\d{1,2}[-月/.]\d{1,2}日?(?: ?\d{1,2}:\d{2}(?::\d{2})?)(?!\S)"
    rf"|^[{HAN}]{{1,6}}(?:社|网(?!信)|报|新闻|台)[{HAN}]{{0,6}}(?:\d{{4}}年)?(?:\d{{1,2}}月)?\d{{1,2}}日(?:电讯?|讯)(?![话影视脑子信台])[:,]?"
    r"|^[a-z][a-z ,./]{2,30}(?:,? [a-z]{3,9}\.? \d{1,2})? \((?:reuters|ap|afp|xinhua|bloomberg)\) ?[-–—]+"
)


def without_bylines(sentence: str) -> list[tuple[int, int]]:
    """Where the pieces of a sentence begin and end between what the page put into it: agency headers, bylines, labels,
    the mark of the end. One piece, as a rule: the whole."""
    plain = sentence.translate(table())
    pieces: list[tuple[int, int]] = []
    at = 0
    for found in _INSIDE.finditer(plain):
        pieces.append((at, found.start()))
        at = found.end()
    pieces.append((at, len(plain)))
    return [_trimmed(plain, start, end) for start, end in pieces if any(map(str.isalnum, plain[start:end]))]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())


def is_boilerplate(sentence: str) -> bool:
    """Whether the sentence belongs to the page around a story. In both scripts, whatever its length."""
    text = fold(sentence).strip(" 。.!?;()[]")
    if not any(c.isalnum() for c in text):
        return True
    if _TO_THE_READER.search(text) or _BYLINE.search(text) or _CRUMBS.search(text) or _DATED.search(text):
        return True
    if _NAME_AND_TITLE.match(sentence) or (_HAS_DATE.search(text) and _DATE_ONLY.fullmatch(text)):
        return True
    return len(sentence) < (SHORT_CHINESE if is_chinese(sentence) else SHORT) and bool(_MENTIONS.search(text))
