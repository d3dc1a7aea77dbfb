"""What each rule looks for, in the reader's words; a rule's own name is for the code."""

from collections.abc import Mapping

NAMES: Mapping[str, tuple[str, str]] = {
    "arm_better": ("An arm is better", "某方案更好"),
    "arm_worse": ("An arm is worse", "某方案更差"),
    "arm_fails_segment": ("An arm fails somewhere", "某方案在局部失效"),
    "arm_suits_segment": ("An arm suits somewhere", "某方案在局部更合适"),
    "group_dislikes_category": ("A group dislikes a category", "某群体不喜欢某类别"),
    "group_minds_position": ("A group minds a part of the list", "某群体不满列表的一部分"),
    "combination_low": ("Two traits together are low", "两个特征的组合偏低"),
    "cohort_low": ("A cohort is less satisfied", "某人群不够满意"),
    "newcomers_low": ("Newcomers are less satisfied", "新用户不够满意"),
    "language_low": ("A language is less satisfied", "某语言用户不够满意"),
    "device_low": ("A device is less satisfied", "某设备用户不够满意"),
    "category_low": ("A category is rated low", "某类别评分偏低"),
    "good_items_low": ("Good items stand low", "好内容排得太后"),
    "tail_disappoints": ("The end of the list disappoints", "列表末尾令人失望"),
    "more_of_the_same": ("Too much of the same", "同类内容过多"),
    "popularity_bias": ("Popular items crowd out better ones", "热门内容挤占更好的内容"),
    "repeated_items": ("Items come back", "内容重复出现"),
    "weak_driver": ("A driver of satisfaction is weak", "满意度的驱动因素偏弱"),
    "slow_arm": ("An arm is slow", "某方案较慢"),
    "failing_arm": ("An arm's requests fail", "某方案请求失败"),
    "objective_missed": ("An objective is missed", "未达到目标"),
    "slowness_costs_ratings": ("Slowness costs ratings", "缓慢影响评分"),
    "complaint_theme": ("The dissatisfied name a theme", "不满意者提到某主题"),
    "theme_in_arm": ("A complaint comes from one arm", "抱怨集中于某方案"),
    "careless_answers": ("Careless answers", "随意作答"),
    "few_comments": ("Few comments", "评论过少"),
    "people_leave": ("People leave at a step", "人们在某一步离开"),
    "question_says_nothing": ("A question says nothing", "某问题没有区分度"),
    "unreliable_construct": ("A construct is unreliable", "某构念不可靠"),
    "cohort_does_not_answer": ("A cohort does not answer", "某人群不作答"),
    "sample_ratio_mismatch": ("The arms have the wrong sizes", "方案人数不符"),
    "thin_cohort": ("A cohort is thin", "某人群人数过少"),
    "duplicate_items": ("Items are listed twice", "内容重复登记"),
    "missing_field": ("Items lack a field", "内容缺少字段"),
    "ratings_drift": ("Ratings drift", "评分漂移"),
    "unsuitable_encoder": ("The encoder does not know the language", "编码器不懂该语言"),
    "worse_than_baseline": ("The model loses to a baseline", "模型不如基线"),
    "miscalibrated_model": ("The model is not calibrated", "模型未校准"),
    "model_forgets": ("The model forgets", "模型遗忘"),
    "unfair_model": ("The model errs more for some", "模型对部分人误差更大"),
}
RULE_NAMES: Mapping[str, Mapping[str, str]] = {
    rule: {"en": english, "zh_CN": chinese} for rule, (english, chinese) in NAMES.items()
}
"""By rule, then by language."""
