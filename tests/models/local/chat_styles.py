"""Chat templates of our own writing in the manner of five model families, each with a small tokenizer."""

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from cocoon.models.local.template import Template

_HEAD = "<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
_ASK = "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
_CHATML_ASK = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"

SMOLLM2 = (
    "{% for m in messages %}"
    "{% if loop.first and m.role != 'system' %}<|im_start|>system\nA helper by default.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}" + _CHATML_ASK
)
LLAMA3 = (
    "{% for m in messages %}{% if loop.first %}{{ bos_token }}{% endif %}"
    + _HEAD
    + "{{ m.content | trim }}<|eot_id|>{% endfor %}"
    + _ASK
)
LLAMA31 = (
    "{{ bos_token }}{% set told = messages[0].content | trim if messages[0].role == 'system' else '' %}"
    "{% set rest = messages[1:] if messages[0].role == 'system' else messages %}"
    "<|start_header_id|>system<|end_header_id|>\n\nKnowledge ends: somewhere\nToday: some day\n\n{{ told }}<|eot_id|>"
    "{% for m in rest %}" + _HEAD + "{{ m.content | trim }}<|eot_id|>{% endfor %}" + _ASK
)
QWEN25 = (
    "{% if messages[0].role == 'system' %}<|im_start|>system\n{{ messages[0].content }}<|im_end|>\n"
    "{% else %}<|im_start|>system\nA default of another maker.<|im_end|>\n{% endif %}"
    "{% for m in messages %}{% if m.role != 'system' or not loop.first %}"
    "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}" + _CHATML_ASK
)
LLAMA3_CHINESE = (
    "{{ bos_token }}{% set told = messages[0].content if messages[0].role == 'system' else '默认的设定。' %}"
    "<|start_header_id|>system<|end_header_id|>\n\n{{ told }}<|eot_id|>"
    "{% for m in messages %}{% if m.role == 'user' %}"
    "<|start_header_id|>user<|end_header_id|>\n\n{{ m.content }}<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
    "{% elif m.role == 'assistant' %}{% if loop.index0 < 2 %}"
    "<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
    "{{ m.content }}<|eot_id|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt and messages[-1].role != 'user' %}"
    "<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
STYLES = {
    "SmolLM2": (SMOLLM2, "<|im_end|>"),
    "Llama-3": (LLAMA3, "<|eot_id|>"),
    "Llama-3.1": (LLAMA31, "<|eot_id|>"),
    "Qwen2.5": (QWEN25, "<|im_end|>"),
    "Llama3-8B-Chinese-Chat": (LLAMA3_CHINESE, "<|eot_id|>"),
}
# As models that think aloud do: what was thought before earlier replies is taken out when the talk goes on.
FORGETS_THOUGHTS = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and not loop.last %}{{ m.content.split('</analysis>')[-1] }}"
    "{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}" + _CHATML_ASK
)
REWRITES = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and not loop.last %}{{ m.content | upper }}"
    "{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}" + _CHATML_ASK
)
NEVER_ENDS = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
ALTERNATES = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate, user first') }}{% endif %}"
    "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}" + _CHATML_ASK
)
_SPECIAL = ["<s>", "<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<pad>"]
_TEXT = [
    "You look a bit tired today.",
    "It was a long week at work, and I hear how it weighs on you.",
    "你看起来有点累。",
]


def styled(template: str, end: str) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of some 330 tokens with the control tokens of all styles."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=330, special_tokens=_SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    core.train_from_iterator(_TEXT, trainer)
    made = PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        eos_token=end,
        pad_token="<pad>",
        additional_special_tokens=[token for token in _SPECIAL[1:-1] if token != end],
    )
    made.chat_template = template
    return made


def learnt(template: str, end: str) -> Template:
    """The template as a local model would use it."""
    return Template.learn(styled(template, end), "styled")
